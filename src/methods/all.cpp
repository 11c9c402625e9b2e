// Every method, listed by hand: static registration would be dropped from a static library.
#include <fmt/format.h>

#include "fewlabel/error.h"
#include "fewlabel/method.h"

namespace fewlabel {

MethodInfo supervised();

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

MethodInfo gan();
MethodInfo bigan();
MethodInfo adversarial_autoencoder();

MethodInfo simclr();
MethodInfo moco();
MethodInfo byol();
MethodInfo simsiam();
MethodInfo barlow_twins();
MethodInfo vicreg();
MethodInfo swav();
MethodInfo dino();

const std::vector<MethodInfo>& all_methods() {
  // Family by family, as they are listed to people.
  static const std::vector<MethodInfo> methods = {
      // clang-format off
      supervised(),
      pseudo_label(), pi_model(), mean_teacher(), vat(), ladder(), mixmatch(), uda(), fixmatch(), flexmatch(), freematch(),
      softmatch(), adamatch(), simmatch(),
      vae_m2(), improved_gan(), triple_gan(), bad_gan(), flow_matching(), virtual_data(),
      autoencoder(), denoising(), vae(), vq_vae(), mae(),
      gan(), bigan(), adversarial_autoencoder(),
      simclr(), moco(), byol(), simsiam(), barlow_twins(), vicreg(), swav(), dino(),
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

Groups Method::groups() {
  std::vector<Tensor> trainable;
  for (auto& parameter : parameters())
    if (parameter.requires_grad()) trainable.push_back(parameter);
  return {{"model", std::move(trainable)}};
}

}  // namespace fewlabel
