// What `fewlabel-engine __catalogue` said at build time, so that the front knows the methods without libtorch.
#pragma once
#include "fewlabel/config.h"

namespace fewlabel {

/// app's method_catalogue(): [{name, title, paper, family, fields: [{name, type, default, help, range}], settings,
/// short_settings}].
const Json& method_catalogue_at_build();

}  // namespace fewlabel
