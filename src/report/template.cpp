#include "report/template.h"

#include <kainjow/mustache.hpp>
#include <map>
#include <vector>

#include "core/number.h"
#include "fewlabel/error.h"
#include "report/markup.h"

namespace fewlabel {
namespace {

using Data = kainjow::mustache::data;

Data data_of(const Json& json) {
  switch (json.type()) {
    case Json::value_t::object: {
      if (json.empty()) return false;
      Data result;
      for (const auto& [key, value] : json.items()) result[key] = data_of(value);
      return result;
    }
    case Json::value_t::array: {
      Data result(Data::type::list);
      for (const auto& value : json) result.push_back(data_of(value));
      return result;
    }
    case Json::value_t::string: {
      const auto& text = json.get_ref<const std::string&>();
      return text.empty() ? Data(false) : Data(text);
    }
    case Json::value_t::number_integer:
      return std::to_string(json.get<int64_t>());
    case Json::value_t::number_unsigned:
      return std::to_string(json.get<uint64_t>());
    case Json::value_t::number_float:
      return number_text(json.get<double>());
    case Json::value_t::boolean:
      return json.get<bool>();
    default:
      return false;
  }
}

std::string source_of(std::string_view name) {
  std::string_view text = template_file(std::string(name) + ".html");
  if (text.empty()) throw Error(ErrorKind::failure, "report", "there is no template " + std::string(name));
  if (text.ends_with('\n')) text.remove_suffix(1);  // of the file, not of what it says: partials stand within lines
  return std::string(text);
}

/// Where names are looked up: the object at hand, and the partials.
class Scope : public kainjow::mustache::basic_context<std::string> {
 public:
  explicit Scope(const Data& data) : around_{&data} {}
  void push(const Data* data) override { around_.push_back(data); }
  void pop() override { around_.pop_back(); }
  const Data* get(const std::string& name) const override {
    if (name == ".") return around_.back();
    for (auto at = around_.rbegin(); at != around_.rend(); ++at)  // text and flags have no names
      if ((*at)->is_object()) return (*at)->get(name);
    return nullptr;
  }
  const Data* get_partial(const std::string& name) const override {
    const auto known = partials_.find(name);
    return known != partials_.end() ? &known->second : &partials_.emplace(name, source_of(name)).first->second;
  }

 private:
  std::vector<const Data*> around_;
  mutable std::map<std::string, Data> partials_;
};

}  // namespace

std::string render(std::string_view name, const Json& data) {
  kainjow::mustache::mustache page(source_of(name));
  page.set_custom_escape([](const std::string& text) { return escape_html(text); });
  const Data values = data_of(data);
  Scope scope(values);
  std::ostringstream out;
  if (page.is_valid()) page.render(scope, out);
  if (!page.is_valid())
    throw Error(ErrorKind::failure, "report", "template " + std::string(name) + ": " + page.error_message());
  return out.str();
}

}  // namespace fewlabel
