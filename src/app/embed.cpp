// `fewlabel embed`: what a trained method sees in images, as an array for other programs.
#include <fmt/format.h>

#include <filesystem>
#include <numeric>

#include "app/app.h"
#include "app/evaluation.h"
#include "app/npy.h"
#include "core/csv.h"
#include "core/files.h"
#include "eval/classify.h"
#include "eval/probe.h"
#include "eval/saved_method.h"
#include "fewlabel/error.h"
#include "train/device.h"
#include "train/machine.h"

namespace fewlabel {

Json embed(const EmbedRequest& request) {
  const std::filesystem::path output = request.output;
  if (output.extension() != ".npy")
    throw Error(ErrorKind::usage, "embed", fmt::format("-o {}: wanted a file that ends in .npy", request.output));
  std::filesystem::path list = output;
  list.replace_extension(".csv");
  Artifact array(output, Durability::atomic),
      rows_of(list, Durability::atomic);  // that they cannot be written shows now
  at::set_num_threads(usable_threads());
  const LoadedMethod loaded = load_method(request.run, choose_device());
  const auto features = feature_function(*loaded.method);
  if (!features)
    throw Error(ErrorKind::usage, "method " + loaded.card.name(), "gives no features",
                "give the run of a classifier or of a method that encodes");
  const Dataset data = open_dataset(parse_split(request.data).data, {});
  const bool test = request.part == "test";
  if (test && !data.test) throw Error(ErrorKind::data, request.data, "has no test set", "leave out --part test");
  const std::shared_ptr<const Source> source = test ? data.test : data.train;
  const Normalization rule = loaded.card.normalization();
  const auto store = make_store(source, loaded.card.modality, {.layout = rule.layout, .threads = usable_threads()});
  Pool all;
  all.index.resize(static_cast<std::size_t>(source->size()));
  std::iota(all.index.begin(), all.index.end(), int64_t{0});
  all.label.resize(all.index.size());
  drop_damaged(all, *store);
  if (all.size() == 0)
    throw Error(ErrorKind::data, request.data, "no image can be decoded", "fewlabel data inspect names them all");
  const Tensor rows = logits_of(features, *store, all.index, rule);
  std::string names = "row,name,label\n";
  for (std::size_t i = 0; i < all.index.size(); ++i) {
    const int32_t label = source->label(all.index[i]);
    names += fmt::format("{},{},{}\n", i, csv_field(source->name(all.index[i])),
                         label == kUnlabeled ? "" : csv_field(source->classes().at(static_cast<std::size_t>(label))));
  }
  rows_of.write(names);
  array.write(npy_bytes(rows));
  rows_of.finish();
  array.finish();
  return {{"run", request.run},       {"data", request.data},     {"part", test ? "test" : "train"},
          {"examples", rows.size(0)}, {"features", rows.size(1)}, {"damaged", store->damaged().size()},
          {"array", output.string()}, {"names", list.string()}};
}

}  // namespace fewlabel
