"""Say and draw what a network that was taken home sees in pictures: classes, labels, boxes, joints, depths, or pixels."""

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

    from benchmarks.export.predictor import Predictor
    from benchmarks.files import make_folder, replacing, write
    from tasks.files import by_stem, files_in, stem

    try:
        paths = files_in(options.pictures) if options.pictures.is_dir() else [options.pictures]
        if not paths:
            raise ValueError(
                f"there are no images in {options.pictures}: give a folder with PNG, JPEG, BMP or TIFF files"
            )
        if missing := next((path for path in paths if not path.exists()), None):
            raise ValueError(f"there is no {missing}: give an image, or a folder of images")
        drawn = {stem: options.out / f"{stem}.png" for stem in by_stem(paths)}
        for path in paths:
            if path.resolve() in {one.resolve() for one in drawn.values()}:
                raise ValueError(f"--out {options.out} would overwrite {path}: choose another folder")
        predictor = Predictor(options.model, options.engine)
        make_folder(options.out, "--out")
        told, wrong = {}, 0
        for path in tqdm(paths, unit="image", file=sys.stderr, disable=len(paths) == 1):
            try:
                picture = predictor.picture(path)
            except ValueError as error:
                if len(paths) == 1:
                    raise
                tqdm.write(f"error: {error}", file=sys.stderr)
                wrong += 1
                continue
            found = predictor(picture)
            told[path.name] = predictor.told(found)
            tqdm.write(f"{path.name}: {predictor.said(found)}")
            with replacing(drawn[stem(path)]) as part:
                Image.fromarray(predictor.drawn(picture, found)).save(part, "PNG")
        write(options.out / "predictions.json", json.dumps(told, indent=2) + "\n")
    except (ValueError, OSError) as error:
        refuse(error)
    print(f"{len(told)} of {len(paths)} pictures drawn in {options.out}")
    return 1 if wrong else 0


if __name__ == "__main__":
    run(main)
