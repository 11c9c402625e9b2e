#include "app/app.h"
#include "fewlabel/method.h"

namespace fewlabel {

Json method_catalogue() {
  Json list = Json::array();
  for (const MethodInfo& info : all_methods()) {
    Json fields = Json::array();
    for (const FieldInfo& field : info.fields)
      fields.push_back({{"name", field.name},
                        {"type", field.type},
                        {"default", field.default_value},
                        {"help", field.help},
                        {"range", field.range}});
    list.push_back({{"name", info.name},
                    {"title", info.title},
                    {"paper", info.paper},
                    {"family", info.family},
                    {"fields", fields},
                    {"settings", info.settings},
                    {"short_settings", info.short_settings}});
  }
  return list;
}

}  // namespace fewlabel
