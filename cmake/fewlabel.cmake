# Helpers that every module and test uses, so that their CMakeLists.txt only list files and dependencies.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_FIND_PACKAGE_TARGETS_GLOBAL ON)  # a project that takes this one in by add_subdirectory links them as well
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release)
endif()

find_program(FEWLABEL_CCACHE ccache)
if(FEWLABEL_CCACHE)
  # A precompiled header is only cacheable when its time stamps are not part of the hash.
  set(CMAKE_CXX_COMPILER_LAUNCHER
      ${CMAKE_COMMAND} -E env CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime ${FEWLABEL_CCACHE})
endif()
find_program(FEWLABEL_MOLD mold)
if(FEWLABEL_MOLD)
  add_link_options(-fuse-ld=mold)
endif()
foreach(sanitizer IN LISTS FEWLABEL_SANITIZE)
  if(NOT FEWLABEL_SANITIZE_MODULES)
    add_compile_options(-fsanitize=${sanitizer} -fno-omit-frame-pointer)
  endif()
  add_link_options(-fsanitize=${sanitizer})
endforeach()

# fewlabel_own(target): the warnings of our own code. -Wrestrict is a false alarm of GCC 12 on std::string (its bug 105651).
# What GCC deduces of sizes in the standard library's headers depends on its version and on what it inlines, and is
# mostly wrong (its bugs 105329, 107852): it is shown, and stops nobody. So is, beside the sanitizers' own code, what
# it takes for uninitialised in libtorch's optionals.
function(fewlabel_own target)
  target_compile_options(
    ${target} PRIVATE -Wall -Wextra -Wconversion -Wno-restrict $<$<BOOL:${FEWLABEL_WERROR}>:-Werror>
                      -Wno-error=array-bounds -Wno-error=stringop-overflow -Wno-error=stringop-overread
                      $<$<BOOL:${FEWLABEL_SANITIZE}>:-Wno-error=maybe-uninitialized>)
endfunction()

# fewlabel_module(name [TORCH] SOURCES a.cpp … DEPENDS core …): one static library per folder of src/.
# A module without TORCH neither includes nor links libtorch.
function(fewlabel_module name)
  cmake_parse_arguments(arg "TORCH" "" "SOURCES;DEPENDS;PRIVATE_DEPENDS" ${ARGN})
  set(target fewlabel_${name})
  add_library(${target} STATIC ${arg_SOURCES})
  add_library(fewlabel::${name} ALIAS ${target})
  fewlabel_own(${target})
  target_include_directories(${target} PUBLIC ${PROJECT_SOURCE_DIR}/include ${PROJECT_SOURCE_DIR}/src
                                              ${PROJECT_BINARY_DIR}/generated)
  target_link_libraries(${target} PUBLIC ${arg_DEPENDS} PRIVATE ${arg_PRIVATE_DEPENDS})
  target_compile_features(${target} PUBLIC cxx_std_20)  # a program that uses the headers gets it, too
  if(name IN_LIST FEWLABEL_SANITIZE_MODULES)
    foreach(sanitizer IN LISTS FEWLABEL_SANITIZE)
      target_compile_options(${target} PRIVATE -fsanitize=${sanitizer} -fno-omit-frame-pointer)
    endforeach()
  endif()
  if(arg_TORCH)
    target_link_libraries(${target} PUBLIC fewlabel_torch)
    target_precompile_headers(${target} REUSE_FROM fewlabel_pch)
    fewlabel_in_batches(${target})
  endif()
endfunction()

# fewlabel_embed(target FOLDER dir HEADER x.h FUNCTION f FILES a …): files become a part of the library, so that the program needs
# none beside it; see embed.cmake.
function(fewlabel_embed target)
  cmake_parse_arguments(arg "" "FOLDER;HEADER;FUNCTION" "FILES" ${ARGN})
  set(folder ${CMAKE_CURRENT_SOURCE_DIR}/${arg_FOLDER})
  set(out ${CMAKE_CURRENT_BINARY_DIR}/${arg_FUNCTION}.cpp)
  list(TRANSFORM arg_FILES PREPEND ${folder}/ OUTPUT_VARIABLE paths)
  add_custom_command(OUTPUT ${out}
    COMMAND ${CMAKE_COMMAND} -DOUT=${out} -DHEADER=${arg_HEADER} -DFUNCTION=${arg_FUNCTION} -DFOLDER=${folder}
            "-DFILES=${arg_FILES}" -P ${PROJECT_SOURCE_DIR}/cmake/embed.cmake
    DEPENDS ${paths} ${PROJECT_SOURCE_DIR}/cmake/embed.cmake VERBATIM)
  target_sources(${target} PRIVATE ${out})
endfunction()

# fewlabel_in_batches(target): with FEWLABEL_UNITY, several sources to a compiler run. Half of the time that a file with libtorch
# takes goes into its headers, however small the file is.
function(fewlabel_in_batches target)
  if(FEWLABEL_UNITY)
    set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE 6)
  endif()
endfunction()

# fewlabel_test(name [TORCH] SOURCES … DEPENDS … [LABELS slow] [SHARDS n]): one gtest program, which is one ctest entry, or n
# entries that share its tests, so that a long one fills all processors.
function(fewlabel_test name)
  cmake_parse_arguments(arg "TORCH" "TIMEOUT;SHARDS" "SOURCES;DEPENDS;LABELS" ${ARGN})
  set(target ${name}_test)
  add_executable(${target} ${arg_SOURCES})
  fewlabel_own(${target})
  target_include_directories(${target} PRIVATE ${PROJECT_SOURCE_DIR}/tests)
  target_link_libraries(${target} PRIVATE ${arg_DEPENDS} GTest::gmock_main)
  if(arg_TORCH)
    target_link_libraries(${target} PRIVATE fewlabel_torch)
    target_precompile_headers(${target} REUSE_FROM fewlabel_pch)
    # The shared precompiled header is made with -fPIC; the -fPIE of an executable would not match it.
    set_target_properties(${target} PROPERTIES POSITION_INDEPENDENT_CODE OFF)
    target_compile_options(${target} PRIVATE -fPIC)
    fewlabel_in_batches(${target})
  endif()
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT 900)  # of a machine that does other things as well
  endif()
  if(NOT arg_SHARDS)
    add_test(NAME ${name} COMMAND ${target})
    set_tests_properties(${name} PROPERTIES TIMEOUT ${arg_TIMEOUT} LABELS "${arg_LABELS}")
    return()
  endif()
  math(EXPR last "${arg_SHARDS} - 1")
  foreach(shard RANGE ${last})
    add_test(NAME ${name}_${shard} COMMAND ${target})
    set_tests_properties(${name}_${shard} PROPERTIES TIMEOUT ${arg_TIMEOUT} LABELS "${arg_LABELS}"
      ENVIRONMENT "GTEST_TOTAL_SHARDS=${arg_SHARDS};GTEST_SHARD_INDEX=${shard}")
  endforeach()
endfunction()
