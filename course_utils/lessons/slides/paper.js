// Slides on paper: made to fit, and shown one below the other.
document.fonts.ready.then(() => {
  Fit.all();
  document.documentElement.dataset.ready = "true";
});
