// Runs for tests of the report: a summary and an evaluation that hold all, with hostile names in them.
#pragma once
#include <gmock/gmock.h>

#include <string>

#include "fewlabel/run.h"
#include "helpers.h"

namespace fewlabel {

// A grey PNG of one pixel.
inline constexpr const char* kPng =
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNoAAAAggCBd81ytgAAAABJRU5ErkJggg==";
inline constexpr const char* kHostile = "<script>alert(1)</script>\"'&\xff\x01";

inline Json full_summary() {
  return {{"data", "fashion_mnist@100:seed=0"},
          {"labels", 100},
          {"unlabeled", 59900},
          {"classes", 2},
          {"test_examples", 400},
          {"method", "freematch"},
          {"net", "cnn"},
          {"accuracy", 0.8125},
          {"accuracy_low", 0.77},
          {"accuracy_high", 0.85},
          {"supervised_accuracy", 0.735},
          {"ece", 0.1},
          {"ece_calibrated", 0.02},
          {"temperature", 1.5},
          {"train_seconds", 290},
          {"steps", 2400},
          {"damaged", {{"count", 1}, {"names", {kHostile}}}},
          {"notes", {"no validation split"}}};
}
inline Json full_evaluation(int classes) {
  Json json = {{"classes", Json::array()}, {"confusion", Json::array()}};
  for (int r = 0; r < classes; ++r) {
    json["classes"].push_back(std::string(kHostile) + std::to_string(r));
    Json row = Json::array();
    for (int c = 0; c < classes; ++c) row.push_back(r == c ? 150 : 50);
    json["confusion"].push_back(row);
  }
  json["reliability"] = {{{"low", 0.8}, {"high", 1.0}, {"count", 400}, {"confidence", 0.9}, {"accuracy", 0.8}}};
  json["mistakes"] = {
      {{"name", kHostile}, {"true", kHostile}, {"predicted", "b"}, {"probability", 0.99}, {"png_base64", kPng}}};
  json["label_examples"] = {{{"class", kHostile}, {"png_base64", kPng}}};
  return json;
}

inline RunStatus status_of(RunState state, int64_t step = 0, int64_t steps = 0) {
  RunStatus status;
  status.state = state;
  status.step = step;
  status.steps = steps;
  return status;
}

inline Json frozen_summary() {
  return {{"data", "fashion_mnist"},
          {"labels", 0},
          {"unlabeled", 60000},
          {"test_examples", 10000},
          {"method", "simclr"},
          {"method_title", "SimCLR"},
          {"family", "self/joint_embedding"},
          {"linear_accuracy", 0.891},
          {"knn_accuracy", 0.876},
          {"knn_euclidean_accuracy", 0.872},
          {"pixels_knn_accuracy", 0.852},
          {"probe_labels", 60000},
          {"reconstruction_error", 0.0171},
          {"embedding_spread", 0.91},
          {"embedding_rank", 41.5}};
}

struct ReportTest : ::testing::Test {
  testing::TemporaryFolder root;
  RunFolder run = make();
  RunFolder make() {
    auto folder = RunFolder::create(root / "a");
    folder.write_status(status_of(RunState::finished));
    return folder;
  }
};

}  // namespace fewlabel
