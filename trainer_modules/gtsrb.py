"""German traffic signs, 43 classes at 224 × 224 pixels: VGG16, its last 8 layers trainable.

`Train/<class>/*.png`, `Valid/<class>/*.png` and `Test.csv` (columns `Path`, `ClassId`). Class
names are numbers: they are matched as names, never by position. The original distribution is read
as it is, too: `Final_Training/Images/00014/*.ppm` (or `Training/…`) and `Final_Test/Images` with
`GT-final_test.csv` in the data root, where the folder `00014` is the class `14` and the frames of
one drive past a sign stay on one side when a fifth is held out for validation. Adam 1e-4, batches
of 32, 101 epochs; 16,196,139 of 17,931,627 parameters learn. Published: validation 0.969, test
0.963; from scratch about 17 points worse.

    python pipelines/run_local.py --task gtsrb --data gtsrb --weights imagenet
    python pipelines/run_local.py --task gtsrb:small --data gtsrb --weights mobilenet_v2.h5
"""

from dataclasses import replace

from trainer_modules.api import (  # isort: skip
    AtLeast, Augment, Backbone, Classification, Cosine, Dense, Display, Dropout, Everything,
    Flatten, GlobalAveragePool, HashSplit, HeadOnly, ImageFolders, Images, LabelledPaths, Last,
    Optimizer, Phase, Task, Training, entry_points,
)  # fmt: skip

_ORIGINAL = ImageFolders(
    train="Final_Training/Images",
    test=LabelledPaths(
        csv="GT-final_test.csv", path="Filename", label="ClassId", folder="Final_Test/Images"
    ),
    # `00014/00003_00029.ppm` is frame 29 of track 3 of class 14: tracks stay whole.
    splits=HashSplit(eval=0.2, group=r"\d+/\d+(?=_\d+\.)"),
    zero_padded=True,
    skip="GT-*.csv",
)

# What the signs mean, in the order of their published numbers.
_SIGNS = (
    "Speed limit (20 km/h)",
    "Speed limit (30 km/h)",
    "Speed limit (50 km/h)",
    "Speed limit (60 km/h)",
    "Speed limit (70 km/h)",
    "Speed limit (80 km/h)",
    "End of speed limit (80 km/h)",
    "Speed limit (100 km/h)",
    "Speed limit (120 km/h)",
    "No passing",
    "No passing for vehicles over 3.5 t",
    "Right-of-way at the next intersection",
    "Priority road",
    "Yield",
    "Stop",
    "No vehicles",
    "Vehicles over 3.5 t prohibited",
    "No entry",
    "General caution",
    "Dangerous curve to the left",
    "Dangerous curve to the right",
    "Double curve",
    "Bumpy road",
    "Slippery road",
    "Road narrows on the right",
    "Road work",
    "Traffic signals",
    "Pedestrians",
    "Children crossing",
    "Bicycles crossing",
    "Beware of ice or snow",
    "Wild animals crossing",
    "End of all speed and passing limits",
    "Turn right ahead",
    "Turn left ahead",
    "Ahead only",
    "Go straight or right",
    "Go straight or left",
    "Keep right",
    "Keep left",
    "Roundabout mandatory",
    "End of no passing",
    "End of no passing for vehicles over 3.5 t",
)

TASK = Task(
    name="gtsrb",
    source=ImageFolders(
        train="Train",
        eval="Valid",
        test=LabelledPaths(csv="Test.csv", path="Path", label="ClassId"),
    ),
    alternatives=(
        _ORIGINAL,
        replace(_ORIGINAL, train="Training"),
        # The data of the online competition, which has no test set.
        replace(_ORIGINAL, train="Training", test=""),
    ),
    problem=Classification(classes=tuple(str(i) for i in range(43))),
    input=Images(height=224, width=224),
    model=Backbone(name="VGG16", head=(Flatten(), Dense(128, "relu"), Dropout(0.6))),
    phases=(Phase(epochs=101, learning_rate=1e-4, trainable=Last(8)),),
    train=Training(batch_size=32, shuffle=2000, optimizer=Optimizer(name="adam")),
    gates=(AtLeast("accuracy", 0.95), AtLeast("recall", 0.80, each_class=True)),
    display=Display(names=tuple((str(i), sign) for i, sign in enumerate(_SIGNS))),
)

VARIANTS = {
    # For a laptop: a small network at 96 × 96 pixels, head first, then all of it.
    "small": replace(
        TASK,
        name="gtsrb-small",
        input=Images(height=96, width=96),
        model=Backbone(name="MobileNetV2", alpha=0.35, head=(GlobalAveragePool(), Dropout(0.3))),
        phases=(
            Phase(epochs=8, learning_rate=3e-3, trainable=HeadOnly()),
            Phase(epochs=32, learning_rate=Cosine(peak=1e-3), trainable=Everything()),
        ),
        train=replace(
            TASK.train,
            label_smoothing=0.1,
            # Signs are photographed in all weathers; none may be mirrored.
            augment=Augment(
                rotation=0.03,
                zoom=0.15,
                translation=0.1,
                saturation=(0.0, 2.0),
                brightness=0.2,
                contrast=0.3,
            ),
        ),
        gates=(AtLeast("accuracy", 0.85),),
    )
}

preprocessing_fn, run_fn = entry_points(TASK)
