"""voc-fcos-128-256-v1: voc-fcos-v3 with final networks of an FPN of 128 channels and a head of 256 ("@128-256" of NAS-FCOS).

Command:
    python tools/run_benchmark.py voc-fcos-128-256-v1 --device cuda --cfg-options benchmark.proxy.data.root=VOC2012 \\
        benchmark.proxy.encoder.checkpoint=FILE benchmark.task.data.root=COCO benchmark.task.encoder.checkpoint=FILE

Places, and what is published and what is ours, are those of voc-fcos-v3. How the two widths meet was not published; how they do
here, `FPNCells` says. `--strategy nas_fcos` trains the published decoder alone: 9.9 million parameters, 33.8 AP on test-dev.
Never run as a whole.
"""

like = "voc-fcos-v3"
benchmark = {"id": "voc-fcos-128-256-v1", "final_space.channels": 128, "final_space.head_channels": 256}
