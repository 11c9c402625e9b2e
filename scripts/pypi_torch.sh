#!/bin/sh
# pypi_torch.sh VERSION FOLDER: libtorch from PyPI's wheel `torch`, unpacked as FOLDER/torch. Its CPU half loads two small
# CUDA libraries, which go beside it; what else its CUDA half needs (gigabytes) is left out: docs/gpu.md says where it
# may come from. Does nothing when that version is there already.
set -eu
version=$1
folder=$2
stamp="$folder/$version-headers.stamp"
[ -e "$stamp" ] && exit 0

if ! python3 -m pip --version >/dev/null 2>&1; then
  echo "fewlabel: pip is missing: apt-get install python3-pip" >&2
  exit 1
fi
wheels="$folder/wheels"
mkdir -p "$wheels"
fetch() {
  ls "$wheels/$1"-*.whl >/dev/null 2>&1 ||
    python3 -m pip download --quiet --no-deps --only-binary=:all: --dest "$wheels" "$2"
}
echo "Fetching torch $version (half a gigabyte)"
fetch "torch-$version" "torch==$version"
# The versions that torch 2.11.0 itself asks for.
fetch nvidia_cuda_runtime-13.0.96 nvidia-cuda-runtime==13.0.96
fetch nvidia_cuda_cupti-13.0.85 nvidia-cuda-cupti==13.0.85
# What the headers of its runtime include.
fetch nvidia_cuda_crt-13.0.88 nvidia-cuda-crt==13.0.88

rm -rf "$folder/torch" "$folder/nvidia"
python3 - "$folder" "$wheels" <<'PYTHON'
import pathlib, sys, zipfile

folder, wheels = map(pathlib.Path, sys.argv[1:])
kept = ("torch/lib/", "torch/include/", "nvidia/")
others = ("torch/include/fmt/", "torch/include/google/", "torch/lib/libgomp")  # copies of what Debian has
for wheel in sorted(wheels.glob("*.whl")):
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder, [name for name in archive.namelist() if name.startswith(kept) and not name.startswith(others)])
PYTHON
rm -rf "$wheels"
touch "$stamp"
