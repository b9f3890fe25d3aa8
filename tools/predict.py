"""Say and draw what a network that was taken home sees in pictures: classes, labels, boxes, depths, or the restored picture."""

from __future__ import annotations

from command_line import Parser, refuse, run

import json
import sys
from pathlib import Path


def arguments() -> Parser:
    parser = Parser(description=__doc__)
    parser.add_argument("pictures", type=Path, help="an image, or a folder of images")
    parser.add_argument("--model", type=Path, required=True, help="a folder that export_model.py or search.py wrote")
    parser.add_argument("--out", type=Path, default=Path("predictions"), help="where pictures and predictions.json go")
    parser.add_argument("--engine", choices=("torch", "onnx"), default="torch")
    return parser


def main() -> int:
    options = arguments().parse_args()
    from PIL import Image
    from tqdm import tqdm

    from benchmarks.export.predictor import Predictor, read_picture
    from tasks.files import files_in

    try:
        paths = files_in(options.pictures) if options.pictures.is_dir() else [options.pictures]
        if not paths:
            raise ValueError(
                f"there are no images in {options.pictures}: give a folder with PNG, JPEG, BMP or TIFF files"
            )
        predictor = Predictor(options.model, options.engine)
        options.out.mkdir(parents=True, exist_ok=True)
        told = {}
        for path in tqdm(paths, unit="image", file=sys.stderr, disable=len(paths) == 1):
            picture = read_picture(path)
            found = predictor(picture)
            told[path.name] = predictor.told(found)
            tqdm.write(f"{path.name}: {predictor.said(found)}")
            Image.fromarray(predictor.drawn(picture, found)).save(options.out / f"{path.stem}.png")
        (options.out / "predictions.json").write_text(json.dumps(told, indent=2) + "\n")
    except (ValueError, OSError) as error:
        refuse(error)
    print(f"{len(told)} of {len(paths)} pictures drawn in {options.out}")
    return 0


if __name__ == "__main__":
    run(main)
