"""Write a folder of images as somebody might have them, from those that come with DenseBench, to try tools/search.py on.

    python examples/write_folder.py segmentation photos

segmentation: images and masks of nuclei (0 and 255); detection: images and a COCO file of their boxes; restoration: clean
images; classification: a folder a class, of places with and without a nucleus.
"""

import argparse
import json
import sys
from pathlib import Path

import numpy as np
from PIL import Image

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # this checkout

from tasks.classification.data import NucleiClassification
from tasks.nuclei import Field, fields

EVERY = 4  # of the places that can be classified, which are enough to try with


def segmentation(images: list[Field], out: Path) -> None:
    for field in images:
        save(field.image, out / "images" / f"{field.name}.png")
        save(np.where(field.instances > 0, 255, 0), out / "masks" / f"{field.name}.png")


def detection(images: list[Field], out: Path) -> None:
    coco = {"images": [], "annotations": [], "categories": [{"id": 1, "name": "nucleus"}]}
    for number, field in enumerate(images, start=1):
        save(field.image, out / f"{field.name}.png")
        height, width = field.instances.shape
        coco["images"].append({"id": number, "file_name": f"{field.name}.png", "width": width, "height": height})
        for box, area in zip(field.boxes.tolist(), field.areas.tolist(), strict=True):
            entry = {"image_id": number, "category_id": 1, "bbox": box, "area": area, "iscrowd": 0}
            coco["annotations"].append({"id": len(coco["annotations"]) + 1, **entry})
    (out / "annotations.json").write_text(json.dumps(coco))


def restoration(images: list[Field], out: Path) -> None:
    for field in images:
        save(field.image, out / f"{field.name}.png")


def classification(images: list[Field], out: Path) -> None:
    data = NucleiClassification()
    for split in ("train", "val", "test"):
        for index in range(0, data.size(split), EVERY):
            image, label = data.read(split, index)
            save(image, out / data.classes[label].replace(" ", "_") / f"{split}{index}.png")


def save(image: np.ndarray, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(image.astype(np.uint8)).save(path)


TASKS = {task.__name__: task for task in (segmentation, detection, restoration, classification)}

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("task", choices=TASKS)
    parser.add_argument("folder", type=Path)
    options = parser.parse_args()
    TASKS[options.task]([field for split in ("train", "val", "test") for field in fields(split)], options.folder)
    print(f"{options.folder}: {sum(path.suffix == '.png' for path in options.folder.rglob('*'))} pictures")
