# Runs ENGINE and writes its catalogue of methods into the C++ file OUTPUT.
# libtorch holds on to memory until the end; a leak checker's opinion of that must not stop the build.
execute_process(COMMAND ${CMAKE_COMMAND} -E env ASAN_OPTIONS=detect_leaks=0 ${ENGINE} __catalogue
                OUTPUT_VARIABLE catalogue RESULT_VARIABLE status)
if(NOT status EQUAL 0)
  message(FATAL_ERROR "${ENGINE} __catalogue failed: ${status}")
endif()
file(WRITE ${OUTPUT} "// Written at build time by cli/embed_catalogue.cmake.
#include \"cli/catalogue.h\"

namespace fewlabel {

const Json& method_catalogue_at_build() {
  static const Json catalogue = Json::parse(R\"json~(${catalogue})json~\");
  return catalogue;
}

}  // namespace fewlabel
")
