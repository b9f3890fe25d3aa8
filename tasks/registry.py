"""The registries of tasks, and of the data, degradations and model templates that they are made of."""

from core import Registry

TASKS = Registry(
    "task",
    {
        "ToyTask": "tasks.toy.task",
        "TabularTask": "tasks.tabular.task",
        "SegmentationTask": "tasks.segmentation.task",
        "DepthTask": "tasks.depth.task",
        "DetectionTask": "tasks.detection.task",
        "RestorationTask": "tasks.restoration.task",
        "ClassificationTask": "tasks.classification.task",
        "KeypointTask": "tasks.keypoints.task",
    },
    kind="tasks.task.Task",
)
DATA = Registry(
    "data set",
    {
        "ScenesSegmentation": "tasks.segmentation.data",
        "NucleiSegmentation": "tasks.segmentation.data",
        "FolderSegmentation": "tasks.segmentation.folders",
        "ScenesDepth": "tasks.depth.data",
        "FolderDepth": "tasks.depth.folders",
        "ScenesDetection": "tasks.detection.data",
        "NucleiDetection": "tasks.detection.data",
        "CocoDetection": "tasks.detection.coco",
        "VocDetection": "tasks.detection.voc",
        "StratifiedSubset": "tasks.detection.subset",
        "ScenesImages": "tasks.restoration.data",
        "NucleiImages": "tasks.restoration.data",
        "FolderImages": "tasks.restoration.folders",
        "FolderPairs": "tasks.restoration.folders",
        "ScenesClassification": "tasks.classification.data",
        "NucleiClassification": "tasks.classification.data",
        "FolderClassification": "tasks.classification.folders",
        "CifarClassification": "tasks.classification.cifar",
        "FiguresKeypoints": "tasks.keypoints.data",
        "CocoKeypoints": "tasks.keypoints.coco",
        "MpiiKeypoints": "tasks.keypoints.mpii",
        "ResplitSegmentation": "tasks.resplit",
        "ResplitDepth": "tasks.resplit",
        "ResplitDetection": "tasks.resplit",
        "ResplitRestoration": "tasks.resplit",
        "ResplitClassification": "tasks.resplit",
        "ResplitKeypoints": "tasks.resplit",
    },
    kind="tasks.data.Data",
)
DEGRADATIONS = Registry(
    "degradation",
    {
        "Noise": "tasks.restoration.degradations",
        "NoiseLevels": "tasks.restoration.degradations",
        "RainStreaks": "tasks.restoration.degradations",
        "Haze": "tasks.restoration.degradations",
        "Holes": "tasks.restoration.degradations",
        "LowResolution": "tasks.restoration.degradations",
        "Downscale": "tasks.restoration.degradations",
    },
    kind="tasks.restoration.degradations.Degradation",
)
TEMPLATES = Registry(
    "model template",
    {
        "FCOS": "tasks.detection.templates",
        "RetinaNet": "tasks.detection.templates",
        "SSDLite": "tasks.detection.templates",
        "EncoderDecoder": "tasks.decoding.templates",
        "Classifier": "tasks.classification.templates",
    },
    kind="tasks.templates.Template",
)
