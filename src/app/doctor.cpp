#include <filesystem>

#include "app/app.h"
#include "app/machine.h"
#include "core/text.h"
#include "train/device.h"
#include "train/recorder.h"

namespace fewlabel {

Json doctor() {
  Json facts = machine_facts();
  facts["device"] = gpu() ? "cuda" : "cpu: " + gpu().missing;
  Json warnings = Json::array();
  const auto blas = facts["blas"].get<std::string>();
  if (blas.find("openblas") == std::string::npos && blas.find("MKL") == std::string::npos)
    warnings.push_back("the BLAS in use (" + blas +
                       ") is not OpenBLAS or MKL and may be 27 times slower; apt-get install libopenblas0-openmp");
  if (facts["isa"].get<std::string>().find("avx2") == std::string::npos)
    warnings.push_back("the processor has no AVX2; training will be slow");
  if (gpu())
    if (const FoundRecorder found = find_recorder(); !found.recorder)
      warnings.push_back("steps cannot be recorded for the GPU, and small nets train several times slower: " +
                         found.missing);
  std::error_code error;
  const auto space = std::filesystem::space(".", error);
  if (!error) {
    facts["free_disk_gb"] = static_cast<double>(space.available) / 1e9;
    if (space.available < 1'000'000'000)
      warnings.push_back("only " + bytes_text(static_cast<double>(space.available)) + " of disk are free here");
  }
  facts["warnings"] = warnings;
  return facts;
}

}  // namespace fewlabel
