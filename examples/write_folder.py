"""Write a folder of images as somebody might have them, from those that come with DenseBench, to try tools/search.py on.

    python examples/write_folder.py segmentation photos

segmentation: images and masks of nuclei (0 and 255); detection: images and a COCO file of their boxes; restoration: clean
images; classification: a folder a class, of places with and without a nucleus; depth: images of rooms and how far away every
pixel is, in millimetres; keypoints: images of figures and a COCO file of their joints.
The folder must be a new one.
"""

import argparse
import json
import sys
from pathlib import Path

import numpy as np
from PIL import Image

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # this checkout

from tasks.classification.data import NucleiClassification
from tasks.data import SPLITS
from tasks.keypoints.data import FiguresKeypoints, Person
from tasks.nuclei import Field, fields
from tasks.rooms import Room, rooms

EVERY = 4  # of the places that can be classified, which are enough to try with


def segmentation(images: list[Field], out: Path) -> None:
    for field in images:
        save(field.image, out / "images" / f"{field.name}.png")
        save(np.where(field.instances > 0, 255, 0), out / "masks" / f"{field.name}.png")


def detection(images: list[Field], out: Path) -> None:
    coco = {"images": [], "annotations": [], "categories": [{"id": 1, "name": "nucleus"}]}
    for number, field in enumerate(images, start=1):
        add_image(coco, number, f"{field.name}.png", field.image, out)
        for box, area in zip(field.boxes.tolist(), field.areas.tolist(), strict=True):
            add_object(coco, number, bbox=box, area=area)
    (out / "annotations.json").write_text(json.dumps(coco))


def restoration(images: list[Field], out: Path) -> None:
    for field in images:
        save(field.image, out / f"{field.name}.png")


def classification(images: list[Field], out: Path) -> None:
    data = NucleiClassification()
    for split in SPLITS:
        for index in range(0, data.size(split), EVERY):
            image, label = data.read(split, index)
            save(image, out / data.classes[label].replace(" ", "_") / f"{split}{index}.png")


def depth(images: list[Room], out: Path) -> None:
    for number, room in enumerate(images):
        save(room.image, out / "images" / f"{number:03}.png")
        save(np.rint(1000 * room.depth), out / "depth" / f"{number:03}.png", np.uint16)


def keypoints(images: list[tuple[np.ndarray, Person]], out: Path) -> None:
    skeleton = FiguresKeypoints.skeleton
    limbs = [[one + 1, other + 1] for one, other in skeleton.limbs]  # COCO counts from 1
    category = {"id": 1, "name": "person", "keypoints": skeleton.joints, "skeleton": limbs}
    coco = {"images": [], "annotations": [], "categories": [category]}
    for number, (image, person) in enumerate(images, start=1):
        add_image(coco, number, person.name, image, out)
        add_object(coco, number, bbox=person.box, area=person.area, keypoints=person.joints.ravel().tolist())
    (out / "annotations.json").write_text(json.dumps(coco))


def figures(split: str) -> list[tuple[np.ndarray, Person]]:
    data = FiguresKeypoints()
    return [data.read(split, index) for index in range(data.size(split))]


def add_image(coco: dict, number: int, name: str, image: np.ndarray, out: Path) -> None:
    save(image, out / name)
    height, width = image.shape[:2]
    coco["images"].append({"id": number, "file_name": name, "width": width, "height": height})


def add_object(coco: dict, image: int, **known) -> None:
    place = {"id": len(coco["annotations"]) + 1, "image_id": image, "category_id": 1, "iscrowd": 0}
    coco["annotations"].append(place | known)


def save(image: np.ndarray, path: Path, kind: type = np.uint8) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(image.astype(kind)).save(path)


TASKS = {task.__name__: task for task in (segmentation, detection, restoration, classification, depth, keypoints)}
SOURCES = {"depth": rooms, "keypoints": figures}  # of their images; the others take those of a microscope

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("task", choices=TASKS)
    parser.add_argument("folder", type=Path)
    options = parser.parse_args()
    if options.folder.exists():
        parser.error(f"{options.folder} is there already: give a new folder")
    source = SOURCES.get(options.task, fields)
    TASKS[options.task]([image for split in SPLITS for image in source(split)], options.folder)
    print(f"{options.folder}: {sum(path.suffix == '.png' for path in options.folder.rglob('*'))} pictures")
