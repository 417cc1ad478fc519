"""Food-101, photographs of 101 dishes at 224 × 224 pixels: EfficientNetB0, fine-tuned.

Reads the published folder (`images/<class>/<id>.jpg`, split by `meta/train.txt` and
`meta/test.txt`: 75,750 images train, 25,250 validate), what TensorFlow Datasets prepared (its
splits `train` and `validation`, the same images), or class folders, of which a hash holds out a
fifth.

Batches of 32, shuffled by 1,000. Phase 1, 3 epochs with Adam at 1e-3: the head on a frozen base.
Phase 2, 3 epochs at 1e-4: the whole network but its BatchNormalization. 4,178,952 parameters. While
training, 10 % of the held-out images validate; the weights of the epoch with the best
`val_accuracy` are kept.

Published: 0.705 after phase 1, 0.777 after phase 2, at 41 to 43 ms and then 125 ms a step on an RTX
3060 laptop: about 20 minutes of training. Two things differ here, neither in what is trained: the
published log counts the second phase as epochs 3, 4 and 5 (from `initial_epoch=2`), here they are
4, 5 and 6; and `mixed_float16` becomes bfloat16 on a TPU and float32 on a CPU
(`--set train.precision=mixed_float16` asks for it everywhere). Food-101 as a whole has not been
trained by this project.

    python pipelines/run_local.py --task food101 --data food-101 --weights imagenet
    python pipelines/run_local.py --task food101 --data ~/tensorflow_datasets --weights imagenet
"""

from trainer_modules.api import (  # isort: skip
    AtLeast, Backbone, Classification, Everything, GlobalAveragePool, HeadOnly, ImageFolders,
    ImageLists, Images, Optimizer, Phase, Task, TensorFlowDatasets, Training, entry_points,
)  # fmt: skip

# fmt: off
_CLASSES = (
    "apple_pie", "baby_back_ribs", "baklava", "beef_carpaccio", "beef_tartare", "beet_salad",
    "beignets", "bibimbap", "bread_pudding", "breakfast_burrito", "bruschetta", "caesar_salad",
    "cannoli", "caprese_salad", "carrot_cake", "ceviche", "cheese_plate", "cheesecake",
    "chicken_curry", "chicken_quesadilla", "chicken_wings", "chocolate_cake", "chocolate_mousse",
    "churros", "clam_chowder", "club_sandwich", "crab_cakes", "creme_brulee", "croque_madame",
    "cup_cakes", "deviled_eggs", "donuts", "dumplings", "edamame", "eggs_benedict", "escargots",
    "falafel", "filet_mignon", "fish_and_chips", "foie_gras", "french_fries", "french_onion_soup",
    "french_toast", "fried_calamari", "fried_rice", "frozen_yogurt", "garlic_bread", "gnocchi",
    "greek_salad", "grilled_cheese_sandwich", "grilled_salmon", "guacamole", "gyoza", "hamburger",
    "hot_and_sour_soup", "hot_dog", "huevos_rancheros", "hummus", "ice_cream", "lasagna",
    "lobster_bisque", "lobster_roll_sandwich", "macaroni_and_cheese", "macarons", "miso_soup",
    "mussels", "nachos", "omelette", "onion_rings", "oysters", "pad_thai", "paella", "pancakes",
    "panna_cotta", "peking_duck", "pho", "pizza", "pork_chop", "poutine", "prime_rib",
    "pulled_pork_sandwich", "ramen", "ravioli", "red_velvet_cake", "risotto", "samosa", "sashimi",
    "scallops", "seaweed_salad", "shrimp_and_grits", "spaghetti_bolognese", "spaghetti_carbonara",
    "spring_rolls", "steak", "strawberry_shortcake", "sushi", "tacos", "takoyaki", "tiramisu",
    "tuna_tartare", "waffles",
)
# fmt: on

TASK = Task(
    name="food101",
    source=ImageLists(train="meta/train.txt", eval="meta/test.txt"),
    alternatives=(TensorFlowDatasets(name="food101"), ImageFolders()),
    problem=Classification(classes=_CLASSES),
    input=Images(height=224, width=224),
    model=Backbone(name="EfficientNetB0", head=(GlobalAveragePool(),)),
    phases=(
        Phase(epochs=3, learning_rate=1e-3, trainable=HeadOnly(), validation_fraction=0.1),
        Phase(epochs=3, learning_rate=1e-4, trainable=Everything(), validation_fraction=0.1),
    ),
    train=Training(
        batch_size=32,
        shuffle=1000,
        optimizer=Optimizer(name="adam"),
        best_metric="val_accuracy",
    ),
    gates=(AtLeast("accuracy", 0.7), AtLeast("recall", 0.2, each_class=True)),
)

preprocessing_fn, run_fn = entry_points(TASK)
