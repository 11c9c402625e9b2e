// The smallest training there is, for tests of what comes before and after it.
#pragma once
#include <string>

#include "app/app.h"

namespace fewlabel::testing {

inline TrainRequest tiny_training(const std::string& data, const std::string& out, const std::string& method) {
  TrainRequest request;
  request.overrides = {"data=" + data,  "out=" + out,    "method=" + method, "net=mlp",
                       "train.batch=2", "train.steps=1", "train.threads=1",  "train.workers=0"};
  request.chatter = Chatter::quiet;
  request.command = "fewlabel train";
  return request;
}

}  // namespace fewlabel::testing
