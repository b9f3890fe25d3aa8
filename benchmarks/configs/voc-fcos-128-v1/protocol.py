"""voc-fcos-128-v1: voc-fcos-v3 with final networks whose FPN and head are 128 channels wide ("@128" of NAS-FCOS).

Command:
    python tools/run_benchmark.py voc-fcos-128-v1 --device cuda --cfg-options benchmark.proxy.data.root=VOC2012 \\
        benchmark.proxy.encoder.checkpoint=FILE benchmark.task.data.root=COCO benchmark.task.encoder.checkpoint=FILE

Places, and what is published and what is ours, are those of voc-fcos-v3. `--strategy nas_fcos` trains the published decoder
alone: 5.9 million parameters, 32.0 AP on test-dev. Never run as a whole.
"""

like = "voc-fcos-v3"
benchmark = {"id": "voc-fcos-128-v1", "task.template.width": 128, "final_space.channels": 128}
