// The class whose mean is nearest, as a linear head (Snell et al. 2017, arXiv:1703.05175, section 2.4): with means mₖ
// of features of length one, ‖x - mₖ‖² differs from class to class as -2 mₖ·x + ‖mₖ‖².
#include "methods/common/frozen.h"

namespace fewlabel {
namespace {

struct ClassMeansConfig {
  double sharpness = 20;
  void fields(FieldVisitor& field) {
    field("sharpness", sharpness, "what the cosine is multiplied by to be a logit", 0.01, 1000.0);
  }
};

class ClassMeans final : public FrozenMethod {
 public:
  ClassMeans(const ClassMeansConfig& config, const Task& task, Net net)
      : FrozenMethod(task, std::move(net)), config_(config) {}

 private:
  LinearHead head_of(const ScaledPools& pools) override {
    const Tensor member = label_rows(pools.y, pools.classes);
    const Tensor mean = rows_of_length_one(member.t().mm(rows_of_length_one(pools.x)));
    return {mean * config_.sharpness, torch::zeros({pools.classes}, torch::kDouble)};
  }

  ClassMeansConfig config_;
};

}  // namespace

MethodInfo class_means() {
  return describe_method<ClassMeans, ClassMeansConfig>("class_means", "Nearest class mean", "arXiv:1703.05175",
                                                       "frozen");
}

}  // namespace fewlabel
