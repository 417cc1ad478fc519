"""Handwritten digits, 8 × 8 pixels, delivered night by night: a small task with strict gates."""

from trainer_modules.api import (
    AtLeast,
    Classification,
    Dense,
    Flatten,
    HashSplit,
    ImageFolders,
    Images,
    Network,
    NoWorse,
    Optimizer,
    Phase,
    Task,
    Training,
)

TASK = Task(
    name="handwriting",
    source=ImageFolders(splits=HashSplit(eval=0.15, test=0.3)),
    problem=Classification(),
    input=Images(height=8, width=8, channels=1),
    model=Network(layers=(Flatten(), Dense(64, "relu"))),
    phases=(Phase(epochs=25, learning_rate=3e-3),),
    train=Training(batch_size=32, optimizer=Optimizer(name="adam")),
    gates=(AtLeast("accuracy", 0.9), NoWorse("accuracy", tolerance=0.03)),
)
