// What the readers of config.json share. Internal to src/encoders.
#pragma once
#include <array>
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
/// Those with the weights: model.safetensors, or what model.safetensors.index.json names in its place, in order of
/// their names. Throws Error{data} where one is missing.
std::vector<std::string> weight_files(const std::filesystem::path& folder);
/// A whole number of a config, from 1 on; several names, as architectures call the same thing differently.
int64_t config_number(const EncoderCard& card, const Json& config, const std::vector<const char*>& names, int64_t most);
/// The same, `otherwise` where it is not said.
int64_t config_number_or(const EncoderCard& card, const Json& config, const char* name, int64_t most,
                         int64_t otherwise);
/// `otherwise` where it is no word.
std::string config_word(const Json& config, const char* name, const std::string& otherwise);
/// Refuses what is not `wanted`; what is not said is taken to be.
void expect_word(const EncoderCard& card, const Json& config, const char* name, const std::string& wanted);
/// layer_norm_eps, `otherwise` where it is not said.
double config_eps(const EncoderCard& card, const Json& config, double otherwise);
/// Whole numbers of a list, from 1 to `most`; as many as `count`, or any number of them where it is 0.
std::vector<int64_t> config_sizes(const EncoderCard& card, const Json& config, const char* name, int64_t most,
                                  std::size_t count = 0);
/// What of a list are numbers; empty where it is no list.
std::vector<double> config_numbers(const Json& list);
/// mean and deviation of pixels, three numbers each and the deviation's not 0, by the names that `file` has for them.
void read_pixels(EncoderCard& card, const Json& said, const std::array<const char*, 2>& names, const char* file);
/// mean and deviation of the pixels that an encoder of images was trained on: pretrained_cfg (timm), or where config
/// has none, preprocessor_config.json (Hugging Face).
void read_preprocessing(EncoderCard& card, const Json& config);
/// Refuses a timm config whose model_args or global_pool make another net of the named one than timm makes by default.
void expect_plain_timm(const EncoderCard& card, const Json& config);
/// A file with less than a byte a weight was not written by the net that its config describes.
void expect_weights(const EncoderCard& card, double weights);

}  // namespace fewlabel
