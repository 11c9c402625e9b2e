# Every library fewlabel stands on, in one place. Debian 12's versions are the reference; a newer official
# libtorch is taken from CMAKE_PREFIX_PATH.
find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)
find_package(nlohmann_json 3.11 REQUIRED)
find_package(tomlplusplus REQUIRED)
find_package(fmt REQUIRED)
find_package(CLI11 REQUIRED)
find_package(ZLIB REQUIRED)
find_package(PNG REQUIRED)
find_package(LibArchive REQUIRED)
pkg_check_modules(turbojpeg REQUIRED IMPORTED_TARGET libturbojpeg)
pkg_check_modules(webp REQUIRED IMPORTED_TARGET libwebp)
pkg_check_modules(xxhash REQUIRED IMPORTED_TARGET libxxhash)
pkg_check_modules(highway REQUIRED IMPORTED_TARGET libhwy)
find_package(Torch REQUIRED)
find_package(OpenMP REQUIRED)

# Official libtorch before 2.7 and Debian's both may carry an ABI flag that every file must share.
string(APPEND CMAKE_CXX_FLAGS " ${TORCH_CXX_FLAGS}")
