// Softmax and sigmoid: the same as torch.softmax and torch.sigmoid, which a test compares.

// exp(logit / temperature), of which softmax takes shares.
export function powers(logits, temperature) {
  return logits.map((logit) => Math.exp(logit / temperature));
}

export function softmax(logits, temperature) {
  const most = Math.max(...logits); // taken away from all: the shares are the same, and no exp overflows
  const shares = powers(logits.map((logit) => logit - most), temperature);
  const total = shares.reduce((a, b) => a + b);
  return shares.map((share) => share / total);
}

export function sigmoid(logits) {
  return logits.map((logit) => 1 / (1 + Math.exp(-logit)));
}
