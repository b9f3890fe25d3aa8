"""Networks to take home: configs of OpenMMLab's tools, one plain Python file, ONNX."""
