#include "app/setup.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <optional>
#include <set>

#include "app/transcription.h"
#include "core/number.h"
#include "core/text.h"
#include "data/class_list.h"
#include "data/pixel_cache.h"
#include "fewlabel/error.h"
#include "fewlabel/image.h"
#include "fewlabel/random.h"
#include "modalities/audio/front_end.h"
#include "modalities/modalities.h"

namespace fewlabel {
namespace {

/// The label in `classes` of each of the source's: the class of that name, else whose folder has that name, else of
/// that number.
std::vector<int32_t> matching_labels(const Source& made, const std::vector<std::string>& classes,
                                     const std::string& path) {
  std::vector<std::string> numbers;
  for (std::size_t c = 0; c < classes.size(); ++c) numbers.push_back(std::to_string(c));
  const std::vector<std::string> folders = class_folders(classes);
  std::vector<int32_t> result;
  for (const std::string& name : made.classes()) {
    const auto place = [&name](const std::vector<std::string>& names) {
      return std::find(names.begin(), names.end(), name) - names.begin();
    };
    const auto none = static_cast<std::ptrdiff_t>(classes.size());
    std::ptrdiff_t label = place(classes);
    if (label == none) label = place(folders);
    if (label == none) label = place(numbers);
    if (label == none)
      throw Error(ErrorKind::data, path, fmt::format("has a class '{}', which the data do not have", name),
                  suggestion(name, classes));
    result.push_back(static_cast<int32_t>(label));
  }
  return result;
}

/// Examples that a generator made; those without a label are passed over.
void open_virtual(PreparedData& data, const DataConfig& config) {
  const std::string& path = config.virtual_examples;
  if (!data.labels_needed)
    throw Error(ErrorKind::usage, "data.virtual",
                "virtual examples are labelled, and this method learns without labels",
                "leave data.virtual out, or make them unlabelled examples of the data");
  data.made = open_dataset(path, {.strict = config.strict, .classes = {}}).train;
  if (data.made->kind() != data.dataset.train->kind())
    throw Error(ErrorKind::data, path,
                fmt::format("holds {}s, and the data are {}s", word_for_one(data.made->kind()),
                            word_for_one(data.dataset.train->kind())));
  const std::vector<int32_t> label = matching_labels(*data.made, data.dataset.classes, path);
  for (int64_t i = 0; i < data.made->size(); ++i)
    if (const int32_t own = data.made->label(i); own != kUnlabeled) {
      data.virtual_examples.index.push_back(i);
      data.virtual_examples.label.push_back(label.at(static_cast<std::size_t>(own)));
    }
  if (data.virtual_examples.size() == 0)
    throw Error(ErrorKind::data, path, "none of the virtual examples has a label",
                "give a folder with a folder for each class inside");
}

void check_pools(const PreparedData& data) {
  const std::string& name = data.dataset.name;
  const std::string damage = damage_clause(data.train.get());
  if (!data.labels_needed) {
    if (data.labeled.size() + data.unlabeled.size() == 0)
      throw Error(ErrorKind::data, name, "there is no example to learn from" + damage);
    return;
  }
  if (data.labeled.size() == 0 && data.transcribed)
    throw Error(ErrorKind::data, name, "no recording has a transcript" + damage,
                "transcribe a few of them, or learn without: method=simclr");
  if (data.labeled.size() == 0)
    throw Error(
        ErrorKind::data, name, "no example has a label" + damage,
        "put a few examples of each class into a folder named after it, or learn without labels: method=simclr");
  if (data.transcribed) return;
  if (data.dataset.classes.size() < 2)
    throw Error(
        ErrorKind::data, name,
        fmt::format("there is only one class, '{}'", data.dataset.classes.empty() ? "" : data.dataset.classes[0]),
        "a classifier needs labelled examples of two classes or more");
  std::vector<int64_t> count(data.dataset.classes.size());
  for (const int32_t label : data.labeled.label) ++count[static_cast<std::size_t>(label)];
  for (std::size_t c = 0; c < count.size(); ++c)
    if (count[c] == 0)
      throw Error(ErrorKind::data, name,
                  fmt::format("class '{}' has no labelled example", data.dataset.classes[c]) + damage,
                  "label at least one example of it, or leave the class out");
}

/// Examples that may be learnt from with their label.
std::vector<int64_t> labeled_examples(const Source& train, const SplitSpec& split, bool labels_needed) {
  if (labels_needed || split.labels || !split.labels_file.empty()) return choose_labeled(train, split);
  std::vector<int64_t> all;
  for (int64_t i = 0; i < train.size(); ++i)
    if (train.label(i) != kUnlabeled) all.push_back(i);
  return all;
}

void drop_known_damage(Pool& pool, const ExampleStore& store) { pool = without(pool, store.damaged()); }

DataOptions data_options(const DataConfig& config) {
  DataOptions options{.strict = config.strict, .classes = config.classes};
  for (const Kind kind : kAllKinds)
    if (config.kind == to_string(kind)) options.kind = kind;
  options.target = config.target;
  options.text = config.text;
  options.columns = config.columns;
  options.encoding = config.encoding;
  options.sound = front_end_of(config);
  return options;
}

}  // namespace

std::string_view to_string(Judge judge) {
  switch (judge) {
    case Judge::test_set:
      return "test set";
    case Judge::validation:
      return "validation set";
    case Judge::hidden_labels:
      return "hidden labels";
    case Judge::held_out:
      return "labels held out";
    case Judge::none:
      break;
  }
  return "none";
}

std::string damage_clause(const ExampleStore* store) {
  if (store == nullptr || store->damage().empty()) return {};
  const Damage& first = store->damage().front();
  return fmt::format(
      ": {} {} left out, the first is {}, which {}", with_commas(static_cast<int64_t>(store->damage().size())),
      store->damage().size() == 1 ? "damaged one is" : "damaged ones are", printable(first.name), first.reason);
}

int64_t possible_folds(const PreparedData& data) {
  std::vector<int64_t> count(data.dataset.classes.size());
  for (const int32_t label : data.labeled.label)
    if (label != kUnlabeled) ++count[static_cast<std::size_t>(label)];
  const int64_t most = count.empty() || data.transcribed ? 0 : *std::max_element(count.begin(), count.end());
  return most < 2 ? 0 : std::min<int64_t>(most, 4);
}

PreparedData without_fold(const PreparedData& data, int64_t fold, int64_t folds, int64_t seed) {
  std::vector<std::vector<std::size_t>> of_class(data.dataset.classes.size());
  for (std::size_t i = 0; i < data.labeled.index.size(); ++i)
    of_class[static_cast<std::size_t>(data.labeled.label[i])].push_back(i);
  std::vector<char> out(data.labeled.index.size());
  int64_t next = 0;  // goes on from class to class, so that the folds are of one size
  for (std::size_t c = 0; c < of_class.size(); ++c) {
    std::vector<std::size_t>& members = of_class[c];
    if (members.size() < 2) continue;
    Random random({static_cast<uint64_t>(seed), "folds", c});
    for (std::size_t i = members.size(); i > 1; --i)
      std::swap(members[i - 1], members[random.below(static_cast<uint32_t>(i))]);
    for (const std::size_t member : members) out[member] = next++ % folds + 1 == fold;
  }
  PreparedData rest = data;
  rest.labeled = rest.judged = {};
  rest.judge = Judge::held_out;
  for (std::size_t i = 0; i < out.size(); ++i) {
    Pool& into = out[i] ? rest.judged : rest.labeled;
    into.index.push_back(data.labeled.index[i]);
    into.label.push_back(data.labeled.label[i]);
  }
  return rest;
}

Pool labeled_pool(const Source& source) {
  Pool pool;
  for (int64_t i = 0; i < source.size(); ++i)
    if (source.label(i) != kUnlabeled) {
      pool.index.push_back(i);
      pool.label.push_back(source.label(i));
    }
  return pool;
}

Pool without(const Pool& pool, const std::vector<int64_t>& left_out) {
  const std::set<int64_t> out(left_out.begin(), left_out.end());
  Pool rest;
  for (std::size_t i = 0; i < pool.index.size(); ++i)
    if (!out.contains(pool.index[i])) {
      rest.index.push_back(pool.index[i]);
      rest.label.push_back(pool.label[i]);
    }
  return rest;
}

void drop_damaged(Pool& pool, const ExampleStore& store) {
  store.check(pool.index);
  drop_known_damage(pool, store);
}

PreparedData open_data(const DataConfig& config, bool labels_needed) {
  if (config.path.empty())
    throw Error(ErrorKind::usage, "config", "data is missing",
                "for example data=FOLDER or data=fashion_mnist@100:seed=0");
  PreparedData data;
  data.labels_needed = labels_needed;
  data.split = parse_split(config.path);
  const DataOptions options = data_options(config);
  data.dataset = open_dataset(data.split.data, options, config.test);
  const Source& train = *data.dataset.train;
  std::vector<int64_t> everything(static_cast<std::size_t>(train.size()));
  std::iota(everything.begin(), everything.end(), int64_t{0});
  data.modality = fit_modality(train, everything, {options, config.tokenizer, config.vocabulary});
  data.found = data.modality->guess(train);

  const std::vector<int64_t> chosen = labeled_examples(train, data.split, labels_needed);
  std::vector<char> is_labeled(static_cast<std::size_t>(train.size()));
  for (const int64_t i : chosen) is_labeled[static_cast<std::size_t>(i)] = 1;
  for (int64_t i = 0; i < train.size(); ++i) {
    Pool& pool = is_labeled[static_cast<std::size_t>(i)] ? data.labeled : data.unlabeled;
    pool.index.push_back(i);
    pool.label.push_back(train.label(i));
  }
  data.transcribed = train.transcribed();
  if (data.transcribed) data.dataset.classes = alphabet_of(train, data.labeled.index);
  check_pools(data);
  if (labels_needed) pool_share(data, config.shares);  // refused now, not after decoding
  if (!config.virtual_examples.empty()) open_virtual(data, config);
  data.validation_source = data.dataset.validation;
  if (!config.validation.empty()) {
    if (data.validation_source)
      data.dataset.notes.push_back(
          fmt::format("its own validation set of {} examples is left out: data.validation names another",
                      with_commas(data.validation_source->size())));
    data.validation_source = open_dataset(data.split.data, options, config.validation).test;
  }
  if (data.validation_source) {
    data.validated = labeled_pool(*data.validation_source);
    data.judge = Judge::validation;
    data.judged = data.validated;
  }
  if (data.dataset.test) {
    data.judge = Judge::test_set;
    data.judged = labeled_pool(*data.dataset.test);
  }
  if (data.judged.size() == 0) {
    data.judge = Judge::none;
    for (std::size_t i = 0; i < data.unlabeled.index.size(); ++i)
      if (data.unlabeled.label[i] != kUnlabeled) {
        data.judged.index.push_back(data.unlabeled.index[i]);
        data.judged.label.push_back(data.unlabeled.label[i]);
      }
    if (data.judged.size() > 0) data.judge = Judge::hidden_labels;
  }
  return data;
}

PreparedData open_data(const DataPlan& plan, bool labels_needed) {
  Json json;
  write_config(json, plan);
  return open_data(read_config<DataConfig>("data", json), labels_needed);
}

Layout layout_of(const DataPlan& plan, const Layout& found) {
  const auto side = static_cast<int32_t>(plan.size);
  if (found.kind == Kind::image) return ImageShape{side, side, static_cast<int32_t>(plan.channels)};
  if (found.kind == Kind::audio) {
    const auto rate = static_cast<int32_t>(plan.rate);
    return front_end_of(plan).seen(std::llround(plan.seconds * static_cast<double>(rate)), rate,
                                   std::llround(plan.longest * static_cast<double>(rate)));
  }
  Layout layout = found;
  if (found.kind == Kind::text) layout.sizes = {static_cast<int32_t>(plan.length)};
  return layout;
}

void load_data(PreparedData& data, const DataPlan& config, int threads) {
  StoreOptions options{.layout = layout_of(config, data.found),
                       .cache_bytes = config.cache_mb << 20,
                       .threads = threads,
                       .strict = config.strict,
                       .disk_cache = config.disk_cache_mb > 0 ? default_pixel_folder().string() : std::string(),
                       .disk_cache_bytes = config.disk_cache_mb << 20};
  data.train = make_store(data.dataset.train, data.modality, options);
  if (data.judge == Judge::test_set) data.test = make_store(data.dataset.test, data.modality, options);
  if (data.validation_source) {
    data.validation = make_store(data.validation_source, data.modality, options);
    drop_damaged(data.validated, *data.validation);
  }
  if (data.judge != Judge::none) drop_damaged(data.judged, data.judged_store());
  // Learnt from without its label and never probed, a labelled example is one more unlabelled one.
  if (data.labels_needed || data.judge != Judge::none) data.train->check(data.labeled.index);
  drop_known_damage(data.labeled, *data.train);
  drop_known_damage(data.unlabeled, *data.train);
  check_pools(data);
  if (data.made) {
    data.made_store = make_store(data.made, data.modality, options);
    drop_damaged(data.virtual_examples, *data.made_store);
  }
  if (data.judged.size() == 0) data.judge = Judge::none;
}

Json describe_data(const PreparedData& data) {
  Json json;
  json["name"] = data.dataset.name;
  json["origin"] = data.dataset.origin;
  json["split"] = to_string(data.split);
  json["classes"] = data.dataset.classes;
  json["labeled"] = data.labeled.size();
  json["unlabeled"] = data.unlabeled.size();
  json["judged"] = data.judged.size();
  json["judge"] = to_string(data.judge);
  json["hash"]["train"] = data.train->content_hash();
  if (data.test) json["hash"]["test"] = data.test->content_hash();
  if (data.validation) json["hash"]["validation"] = data.validation->content_hash();
  if (data.made) {
    json["virtual"] = data.virtual_examples.size();
    json["hash"]["virtual"] = data.made_store->content_hash();
  }
  Json names = Json::array();
  const auto add = [&](const ExampleStore* store) {
    if (store)
      for (const Damage& damage : store->damage()) names.push_back({{"name", damage.name}, {"reason", damage.reason}});
  };
  add(data.train.get());
  add(data.test.get());
  add(data.validation.get());
  add(data.made_store.get());
  json["damaged"] = {{"count", names.size()}, {"examples", names}};
  json["labeled_index"] = data.labeled.index;
  return json;
}

std::vector<double> class_share(const PreparedData& data) {
  std::vector<double> share(data.dataset.classes.size());
  for (const int32_t label : data.labeled.label)
    share[static_cast<std::size_t>(label)] += 1.0 / static_cast<double>(data.labeled.size());
  return share;
}

std::vector<double> pool_share(const PreparedData& data, const std::string& shares) {
  const std::size_t classes = data.dataset.classes.size();
  if (shares == "auto") return {};
  if (shares == "labels") return class_share(data);
  if (shares == "uniform") return std::vector<double>(classes, 1.0 / static_cast<double>(classes));
  const auto refuse = [&](const std::string& message) {
    throw Error(ErrorKind::usage, "data.shares", fmt::format("is '{}': {}", shares, message),
                fmt::format("give one number above 0 for each class ({}), in shares or in counts, or auto, labels or "
                            "uniform",
                            join(data.dataset.classes, ", ")));
  };
  std::vector<double> result;
  double sum = 0;
  for (const std::string& part : split_text(shares, ',')) {
    const std::string text = trim(part);
    const std::optional<double> value = real_number(text);
    if (!value) refuse(fmt::format("'{}' is no number", text));
    if (!std::isfinite(*value) || *value <= 0) refuse(fmt::format("{} is not above 0", text));
    sum += result.emplace_back(*value);
  }
  if (result.size() != classes) refuse(fmt::format("numbers given: {}, classes: {}", result.size(), classes));
  for (double& value : result) value /= sum;
  return result;
}

}  // namespace fewlabel
