"""What hostile.py knows of its cases by name: those that are wrong today, and why, and those that take seconds."""

KNOWN = {
    "png/below-the-limit-with-alpha": "the pixels and what becomes of them are in memory at once, for each thread",
    "progressive.jpg/size-13000x13000": "libjpeg keeps all coefficients of a progressive file, whatever its bytes",
}
SLOW = {
    "png/below-the-limit",
    "png/below-the-limit-with-alpha",
    "jpg/size-9000x9000",
    "jpg/size-13000x13000",
    "progressive.jpg/size-13000x13000",
    "progressive.jpg/size-9000x9000",
    "folder/3000-empty-classes",
    "npy/label-of-100000",
    "tar.zst/bombs-of-200-MB",
    "csv/100-MB-line",
    "tsv/100-MB-line",
    "csv/100-MB-quoted",
    "csv/million-equal-lines",
    "csv/million-labels",
    "csv/256-rows-of-100000",
    "jsonl/100-MB-line",
    "jsonl/256-rows-of-1000-new-keys",
    "lines/100-MB-line",
    "lines/million-equal",
}
