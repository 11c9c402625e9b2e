// What the readers of config.json share. Internal to src/encoders.
#pragma once
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "encoders/encoders.h"

namespace fewlabel {

[[noreturn]] void refuse_encoder(const std::filesystem::path& folder, const std::string& message,
                                 const std::string& hint = {});
/// A JSON file of at most 4 MB. Throws Error{data} for what is missing or none, naming the file.
Json read_encoder_json(const std::filesystem::path& path);
/// The same, a list.
Json read_encoder_list(const std::filesystem::path& path);
/// A whole number of a config, from 1 on; several names, as architectures call the same thing differently.
int64_t config_number(const EncoderCard& card, const Json& config, const std::vector<const char*>& names, int64_t most);
/// `otherwise` where it is no word.
std::string config_word(const Json& config, const char* name, const std::string& otherwise);
/// Refuses what is not `wanted`; what is not said is taken to be.
void expect_word(const EncoderCard& card, const Json& config, const char* name, const std::string& wanted);
/// What of a list are numbers; empty where it is no list.
std::vector<double> config_numbers(const Json& list);
/// A file with less than a byte a weight was not written by the net that its config describes.
void expect_weights(const EncoderCard& card, double weights);

}  // namespace fewlabel
