"""The lecture's Keras notebook on a ResNet50 that has learnt nothing: a head, then a fit from the 140th layer on."""

from importlib.util import find_spec

import numpy as np
import pytest

from .conftest import draw


@pytest.fixture
def pets(session, tmp_path):
    for split, n in (("train", 4), ("valid", 2)):
        for kind, colour in (("cat", 0), ("dog", 2)):
            for i in range(n):
                draw(tmp_path / f"data/dogscats/{split}/{kind}s/{kind}.{i}.jpg", colour, i)
    session("PATH = 'data/dogscats/'; sz = 32; batch_size = 4")
    session("train_folder, valid_folder = f'{PATH}train', f'{PATH}valid'")
    return session


def weights(model):
    """What each layer that has weights holds, by its place in the model."""
    return {i: [np.array(w) for w in layer.get_weights()] for i, layer in enumerate(model.layers) if layer.weights}


def changed(model, before):
    """The places of layers whose weights, running averages included, are not what they were."""
    return {
        i for i, now in weights(model).items() if any(not np.array_equal(a, b) for a, b in zip(now, before[i], strict=True))
    }


@pytest.mark.thorough
@pytest.mark.skipif(find_spec("keras") is None, reason="Keras is not installed")
def test_the_head_first_and_then_from_the_140th_layer_on(pets, capsys):
    run = pets
    run("from keras.preprocessing.image import ImageDataGenerator")
    assert "from keras.preprocessing.image import ImageDataGenerator → " in capsys.readouterr().out
    run("from keras.applications.resnet50 import ResNet50, preprocess_input")
    run(
        "from keras.layers import Dense, GlobalAveragePooling2D\nfrom keras.models import Model\nfrom keras import backend as K"
    )
    assert run("K.backend()") == "torch"

    run(
        "varied = ImageDataGenerator(preprocessing_function=preprocess_input,\n"
        "    shear_range=0.2, zoom_range=0.2, horizontal_flip=True)"
    )
    run("plain = ImageDataGenerator(preprocessing_function=preprocess_input)")
    options = "target_size=(sz, sz), batch_size=batch_size, class_mode='binary'"
    run(f"train = varied.flow_from_directory(train_folder, {options})")
    run(f"valid = plain.flow_from_directory(valid_folder, shuffle=False, {options})")
    assert run("train.class_indices") == {"cats": 0, "dogs": 1}
    assert (run("train.n"), run("valid.n")) == (8, 4)
    x, y = run("valid[0]")
    assert (x.shape, y.tolist()) == ((4, 32, 32, 3), [0, 0, 1, 1])  # in the order of the files

    run("base = ResNet50(weights=None, include_top=False, input_shape=(sz, sz, 3))")
    assert run("len(base.layers)") == 175
    run("x = GlobalAveragePooling2D()(base.output)\nx = Dense(16, activation='relu')(x)")
    run("model = Model(inputs=base.input, outputs=Dense(1, activation='sigmoid')(x))")
    run("for layer in base.layers: layer.trainable = False")
    run("model.compile(optimizer='rmsprop', loss='binary_crossentropy', metrics=['accuracy'])")

    fit = (
        "%time past = model.fit_generator(train, train.n // batch_size, epochs={}, workers=2, "
        "validation_data=valid, validation_steps=valid.n // batch_size)"
    )
    model, before = run["model"], weights(run["model"])
    capsys.readouterr()
    run(fit.format(2))
    assert "→ model.fit(train, steps_per_epoch=" in capsys.readouterr().out
    assert [len(run["past"].history[name]) for name in ("accuracy", "val_accuracy")] == [2, 2]
    assert changed(model, before) == {176, 177}  # the two dense layers; no frozen batch norm moved

    run("split_at = 140")
    run(
        "for layer in model.layers[:split_at]: layer.trainable = False\n"
        "for layer in model.layers[split_at:]: layer.trainable = True"
    )
    run("model.compile(optimizer='rmsprop', loss='binary_crossentropy', metrics=['accuracy'])")
    before = weights(model)
    run(fit.format(1))
    assert changed(model, before) == {i for i in before if i >= 140}
