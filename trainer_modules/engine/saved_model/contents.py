"""The names of the files in a SavedModel of this project, for its writer and its reader."""

GRAPH_FILE = "saved_model.pb"

TASK_ASSET = "task.json"
CLASSES_ASSET = "classes.txt"
CLASS_IDS_ASSET = "class_ids.txt"
START_ASSET = "start.json"
