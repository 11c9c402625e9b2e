# libtorch from PyPI's wheel `torch` (scripts/pypi_torch.sh). The wheel's own TorchConfig.cmake demands a whole CUDA toolkit
# at configure time. The headers and the CPU half are enough to build: programs load the CUDA half beside it when they
# run on a GPU (src/train/device.cpp), so that one build serves machines with and without one.
foreach(part torch_cpu c10)
  add_library(pypi_${part} SHARED IMPORTED GLOBAL)
  set_target_properties(pypi_${part} PROPERTIES IMPORTED_LOCATION ${FEWLABEL_PYPI_TORCH}/lib/lib${part}.so)
endforeach()
# What the two libraries need in turn they find by themselves, next to the folder `torch`.
target_link_options(pypi_torch_cpu INTERFACE -Wl,--allow-shlib-undefined)
set(TORCH_LIBRARIES pypi_torch_cpu pypi_c10)
set(TORCH_INCLUDE_DIRS ${FEWLABEL_PYPI_TORCH}/include ${FEWLABEL_PYPI_TORCH}/include/torch/csrc/api/include)
set(TORCH_CXX_FLAGS "-D_GLIBCXX_USE_CXX11_ABI=1")
# CUDA's headers come with the wheel of its runtime, beside the folder `torch`.
file(GLOB FEWLABEL_CUDA_INCLUDE ${FEWLABEL_PYPI_TORCH}/../nvidia/cu*/include)
