// Every method, listed by hand: static registration would be dropped from a static library.
#include <fmt/format.h>

#include "core/text.h"
#include "fewlabel/error.h"
#include "fewlabel/method.h"

namespace fewlabel {

MethodInfo supervised();
MethodInfo ctc();

MethodInfo logistic();
MethodInfo class_means();
MethodInfo label_propagation();
MethodInfo self_training();
MethodInfo gaussian_mixture();
MethodInfo best_head();

MethodInfo setfit();

MethodInfo pseudo_label();
MethodInfo pi_model();
MethodInfo mean_teacher();
MethodInfo vat();
MethodInfo ladder();
MethodInfo mixmatch();
MethodInfo uda();
MethodInfo fixmatch();
MethodInfo flexmatch();
MethodInfo freematch();
MethodInfo softmatch();
MethodInfo adamatch();
MethodInfo simmatch();
MethodInfo mpl();

MethodInfo vae_m2();
MethodInfo improved_gan();
MethodInfo triple_gan();
MethodInfo bad_gan();
MethodInfo flow_matching();
MethodInfo virtual_data();

MethodInfo autoencoder();
MethodInfo denoising();
MethodInfo vae();
MethodInfo vq_vae();
MethodInfo mae();
MethodInfo mlm();
MethodInfo cbow();

MethodInfo gan();
MethodInfo bigan();
MethodInfo adversarial_autoencoder();
MethodInfo electra();

MethodInfo simclr();
MethodInfo moco();
MethodInfo byol();
MethodInfo simsiam();
MethodInfo barlow_twins();
MethodInfo vicreg();
MethodInfo swav();
MethodInfo dino();
MethodInfo simcse();

const std::vector<MethodInfo>& all_methods() {
  // Family by family, as they are listed to people.
  static const std::vector<MethodInfo> methods = {
      // clang-format off
      supervised(), ctc(),
      logistic(), class_means(), label_propagation(), self_training(), gaussian_mixture(), best_head(),
      setfit(),
      pseudo_label(), pi_model(), mean_teacher(), vat(), ladder(), mixmatch(), uda(), fixmatch(), flexmatch(), freematch(),
      softmatch(), adamatch(), simmatch(), mpl(),
      vae_m2(), improved_gan(), triple_gan(), bad_gan(), flow_matching(), virtual_data(),
      autoencoder(), denoising(), vae(), vq_vae(), mae(), mlm(), cbow(),
      gan(), bigan(), adversarial_autoencoder(), electra(),
      simclr(), moco(), byol(), simsiam(), barlow_twins(), vicreg(), swav(), dino(), simcse(),
      // clang-format on
  };
  return methods;
}

const MethodInfo& find_method(std::string_view name) {
  std::vector<std::string> names;
  for (const auto& method : all_methods()) {
    if (method.name == name) return method;
    names.push_back(method.name);
  }
  throw Error(ErrorKind::usage, "method", fmt::format("there is no method '{}'", name), suggestion(name, names));
}

std::vector<std::string> method_names(Kind kind) {
  std::vector<std::string> names;
  for (const auto& method : all_methods())
    if (method.takes(kind)) names.push_back(method.name);
  return names;
}

void MethodInfo::check(Kind kind) const {
  if (takes(kind)) return;
  std::vector<std::string> own;
  for (const Kind taken : kinds) own.push_back(fmt::format("{}s", word_for_one(taken)));
  throw Error(ErrorKind::usage, "method",
              fmt::format("{} learns from {}, and these are {}s", name, join(own, " and "), word_for_one(kind)),
              fmt::format("of {}s learn: {}", word_for_one(kind), join(method_names(kind), ", ")));
}

std::unique_ptr<Method> MethodInfo::make(const Json& config, const Task& task, Net net) const {
  check(task.layout.kind);
  return construct(config, task, std::move(net));
}

Json MethodInfo::short_settings_of(Kind kind) const {
  Json own = short_settings;
  if (kind != Kind::image && own.contains("/method/rotation"_json_pointer)) own["method"].erase("rotation");
  return own;
}

void Method::learn(const Batch& /*batch*/, Step& /*step*/) {
  throw Error(ErrorKind::failure, "method", "does not learn from batches");
}

Groups Method::groups() {
  std::vector<Tensor> trainable;
  for (auto& parameter : parameters())
    if (parameter.requires_grad()) trainable.push_back(parameter);
  return {{"model", std::move(trainable)}};
}

}  // namespace fewlabel
