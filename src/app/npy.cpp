#include "app/npy.h"

#include <fmt/format.h>

#include "fewlabel/error.h"

namespace fewlabel {

std::string npy_bytes(const torch::Tensor& tensor) {
  const torch::Tensor plain = tensor.detach().cpu().contiguous();
  const char* type = plain.scalar_type() == torch::kByte    ? "|u1"
                     : plain.scalar_type() == torch::kLong  ? "<i8"
                     : plain.scalar_type() == torch::kFloat ? "<f4"
                                                            : nullptr;
  if (!type) throw Error(ErrorKind::failure, "npy", "wanted uint8, int64 or float32");
  std::string shape;
  for (const int64_t size : plain.sizes()) shape += fmt::format("{}, ", size);
  if (plain.dim() > 1) shape.resize(shape.size() - 2);  // one dimension is written "(5,)"
  std::string header = fmt::format("{{'descr': '{}', 'fortran_order': False, 'shape': ({}), }}", type, shape);
  // Magic, version and length take 10 bytes; the values begin at a multiple of 64.
  header.append((64 - (10 + header.size() + 1) % 64) % 64, ' ');
  header += '\n';
  std::string bytes("\x93NUMPY\x01\x00", 8);
  bytes += static_cast<char>(header.size() & 0xFF);
  bytes += static_cast<char>(header.size() >> 8);
  bytes += header;
  bytes.append(static_cast<const char*>(plain.data_ptr()), plain.nbytes());
  return bytes;
}

}  // namespace fewlabel
