"""CamVid street scenes, a class for each pixel: an encoder-decoder over MobileNetV2.

`train`/`trainannot`, `val`/`valannot`, `test`/`testannot`: images and masks of the same names,
mask pixels class ids 0 to 10 and 11 for void. Variant `32` reads RGB masks in 32 colours, under the
image's name or with the official `_L` (`0001TP_006690_L.png`): in the same folders, in
`train_labels` and so on, or all in `701_StillsRaw_full` and `LabeledApproved_full`, where blocks of
neighbouring frames are held out.
Published mean IoU: about 0.70 with 11 classes, 0.45 to 0.52 with 32.

    python pipelines/run_local.py --task camvid --data camvid --weights imagenet

Variant `pretrained` is the published system: it trains nothing and measures nothing, but takes a
whole network from a SavedModel (TensorFlow Hub's HRNet for CamVid: images of 0..1, 33 channels, of
which the first, the background, is dropped) and shows what that sees. `--data` is any folder of
images, `test` of the layout above among them; masks are not read. The report has masks, overlays,
legend and the heat maps of `display.heat_maps`, and so has `predict.py`. Images are resized to
720 × 960 pixels, the size at which CamVid was filmed.

    python pipelines/run_local.py --task camvid:pretrained --data camvid --weights hrnet
    python pipelines/predict.py --model runs/serving/camvid-pretrained --data camvid/test \
        --output masks --maps Road,Car
"""

from dataclasses import replace

from trainer_modules.api import (  # isort: skip
    AtLeast, Augment, BetterThanChance, Cosine, Display, EncoderDecoder, Everything, HashSplit,
    HeadOnly, ImageFiles, Images, ImagesAndMasks, Optimizer, Phase, SavedNetwork, Segmentation,
    Task, Training, entry_points,
)  # fmt: skip

_CLASSES = {
    "sky": (128, 128, 128),
    "building": (128, 0, 0),
    "pole": (192, 192, 128),
    "road": (128, 64, 128),
    "pavement": (60, 40, 222),
    "tree": (128, 128, 0),
    "sign": (192, 128, 128),
    "fence": (64, 64, 128),
    "car": (64, 0, 128),
    "pedestrian": (64, 64, 0),
    "bicyclist": (0, 128, 192),
}

_CLASSES_32 = {
    "Animal": (64, 128, 64),
    "Archway": (192, 0, 128),
    "Bicyclist": (0, 128, 192),
    "Bridge": (0, 128, 64),
    "Building": (128, 0, 0),
    "Car": (64, 0, 128),
    "CartLuggagePram": (64, 0, 192),
    "Child": (192, 128, 64),
    "Column_Pole": (192, 192, 128),
    "Fence": (64, 64, 128),
    "LaneMkgsDriv": (128, 0, 192),
    "LaneMkgsNonDriv": (192, 0, 64),
    "Misc_Text": (128, 128, 64),
    "MotorcycleScooter": (192, 0, 192),
    "OtherMoving": (128, 64, 64),
    "ParkingBlock": (64, 192, 128),
    "Pedestrian": (64, 64, 0),
    "Road": (128, 64, 128),
    "RoadShoulder": (128, 128, 192),
    "Sidewalk": (0, 0, 192),
    "SignSymbol": (192, 128, 128),
    "Sky": (128, 128, 128),
    "SUVPickupTruck": (64, 128, 192),
    "TrafficCone": (0, 0, 64),
    "TrafficLight": (0, 64, 64),
    "Train": (192, 64, 128),
    "Tree": (128, 128, 0),
    "Truck_Bus": (192, 128, 192),
    "Tunnel": (64, 0, 64),
    "VegetationMisc": (192, 192, 0),
    "Void": (0, 0, 0),
    "Wall": (64, 192, 0),
}

TASK = Task(
    name="camvid",
    source=ImagesAndMasks(),
    problem=Segmentation(classes=tuple(_CLASSES), void=11, colours=tuple(_CLASSES.values())),
    input=Images(height=360, width=480, jpeg_quality=95),
    model=EncoderDecoder(name="MobileNetV2"),
    phases=(
        Phase(epochs=10, learning_rate=1e-3, trainable=HeadOnly()),
        Phase(epochs=40, learning_rate=Cosine(peak=1e-3), trainable=Everything()),
    ),
    train=Training(
        batch_size=4,
        shuffle=400,
        optimizer=Optimizer(name="adam"),
        augment=Augment(flip=True, zoom=0.2, brightness=0.1, contrast=0.2),
        best_metric="val_mean_iou",
    ),
    gates=(AtLeast("mean_iou", 0.3), BetterThanChance()),
)

_PROBLEM_32 = Segmentation(
    classes=tuple(_CLASSES_32),
    void=tuple(_CLASSES_32).index("Void"),
    colours=tuple(_CLASSES_32.values()),
    rgb_masks=True,
)

VARIANTS = {
    "32": replace(
        TASK,
        name="camvid-32",
        source=ImagesAndMasks(suffix="_L"),
        alternatives=(
            ImagesAndMasks(
                train=("train", "train_labels"),
                eval=("val", "val_labels"),
                test=("test", "test_labels"),
                suffix="_L",
            ),
            ImagesAndMasks(
                train=("701_StillsRaw_full", "LabeledApproved_full"),
                eval=("", ""),
                test=("", ""),
                suffix="_L",
                # All but the last three digits of `0001TP_006690`: half a minute of film.
                splits=HashSplit(eval=0.15, test=0.3, group=r"[^/]+(?=\d{3}\.)"),
            ),
        ),
        problem=_PROBLEM_32,
    ),
    "pretrained": Task(
        name="camvid-pretrained",
        source=ImageFiles(folder="test"),
        alternatives=(ImageFiles(folder="701_StillsRaw_full"), ImageFiles()),
        problem=_PROBLEM_32,
        input=Images(height=720, width=960, antialias=True),
        model=SavedNetwork(),
        phases=(),
        gates=(),
        display=Display(heat_maps=("Road", "Car", "Pedestrian")),
    ),
}

preprocessing_fn, run_fn = entry_points(TASK)
