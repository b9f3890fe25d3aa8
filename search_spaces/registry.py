"""The registries of spaces, and of the modules that found networks are built of."""

from mmengine.registry import MODELS as ROOT

from core import Registry

SPACES = Registry(
    "space",
    {
        "ToySpace": "search_spaces.toy.space",
        "TableSpace": "search_spaces.table.space",
        "Subset": "search_spaces.subset",
        "DecoderCells": "search_spaces.decoder_cells.space",
        "DecoderTemplates": "search_spaces.decoder_templates.space",
        "FPNCells": "search_spaces.fpn_cells.space",
        "HeadCells": "search_spaces.head_cells.space",
        "FCOSDecoder": "search_spaces.fcos_decoder.space",
        "MBConv": "search_spaces.mbconv.space",
        "ScaledMBConv": "search_spaces.mbconv.scaled",
        "MBConvWidths": "search_spaces.mbconv.widths",
        "NASNetCells": "search_spaces.nasnet_cells.space",
        "LayerGraph": "search_spaces.layer_graph.space",
        "DeepNEAT": "search_spaces.deepneat.space",
        "MetaKernels": "search_spaces.meta_kernel.space",
        "RestorationCells": "search_spaces.restoration_cells.space",
    },
    kind="search_spaces.space.SearchSpace",
)

# A child of MMEngine's root: MMDetection and MMSegmentation find a module here as `densebench.<name>` once a config imports its
# file (`custom_imports`).
MODELS = Registry(
    "model",
    {
        "CellDecoder": "search_spaces.decoder_cells.network",
        "DecoderSupernet": "search_spaces.decoder_cells.supernet",
        "TemplateDecoder": "search_spaces.decoder_templates.network",
        "CellFPN": "search_spaces.fpn_cells.network",
        "FPNSupernet": "search_spaces.fpn_cells.supernet",
        "CellFCOSHead": "search_spaces.head_cells.network",
        "HeadSupernet": "search_spaces.head_cells.supernet",
        "MBConvNet": "search_spaces.mbconv.network",
        "MBConvClassifier": "search_spaces.mbconv.network",
        "MBConvSupernet": "search_spaces.mbconv.supernet",
        "CellBackbone": "search_spaces.nasnet_cells.network",
        "CellClassifier": "search_spaces.nasnet_cells.network",
        "NASNetClassifier": "search_spaces.nasnet_cells.network",
        "DeepNEATBackbone": "search_spaces.deepneat.network",
        "BackboneSupernet": "search_spaces.nasnet_cells.supernet",
        "LayerGraphNet": "search_spaces.layer_graph.network",
        "LayerGraphClassifier": "search_spaces.layer_graph.network",
        "MetaKernelNet": "search_spaces.meta_kernel.network",
        "MetaKernelSupernet": "search_spaces.meta_kernel.supernet",
        "MobileNetV1": "search_spaces.meta_kernel.mobilenet",
        "MobileNetV1Classifier": "search_spaces.meta_kernel.mobilenet",
        "RestorationNet": "search_spaces.restoration_cells.network",
        "RestorationSupernet": "search_spaces.restoration_cells.supernet",
        "ToySupernet": "search_spaces.toy.supernet",
    },
    parent=ROOT,
)
