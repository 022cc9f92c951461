"""The lecture's Keras lines as one session, with a small network in the place of ResNet50, whose weights are a download."""

from importlib.util import find_spec

import pytest
from PIL import Image

pytestmark = [
    pytest.mark.skipif(find_spec("keras") is None, reason="Keras is not installed"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),  # Keras's own
]


@pytest.fixture
def pets(tmp_path):
    """Red and blue pictures in folders, eight to learn from and four to validate with."""
    for split, number in (("train", 4), ("valid", 2)):
        for name, colour in (("cats", (200, 30, 30)), ("dogs", (30, 30, 200))):
            folder = tmp_path / "data" / "dogscats" / split / name
            folder.mkdir(parents=True)
            for i in range(number):
                Image.new("RGB", (40, 40), tuple(c + 5 * i for c in colour)).save(folder / f"{name[:-1]}.{i}.jpg")
    return tmp_path


def test_the_keras_lines(session, pets, capsys):
    session("PATH = 'data/dogscats/'; sz = 32; batch_size = 4")
    session(
        "import numpy as np\nfrom keras.preprocessing.image import ImageDataGenerator\nfrom keras.preprocessing import image"
    )
    session(
        "from keras.layers import Dropout, Flatten, Dense, Input, Conv2D, GlobalAveragePooling2D\n"
        "from keras.applications import ResNet50\n"
        "from keras.models import Model, Sequential\n"
        "from keras.applications.resnet50 import preprocess_input\n"
        "from keras import backend as K"
    )
    assert session("K.backend()") == "torch"
    session(
        "generator = ImageDataGenerator(preprocessing_function=preprocess_input, shear_range=0.2, zoom_range=0.2,\n"
        "                               horizontal_flip=True)\n"
        "plain = ImageDataGenerator(preprocessing_function=preprocess_input)\n"
        "trn = generator.flow_from_directory(f'{PATH}train', target_size=(sz, sz), batch_size=4, class_mode='binary')\n"
        "val = plain.flow_from_directory(f'{PATH}valid', shuffle=False, target_size=(sz, sz), batch_size=batch_size,\n"
        "                                class_mode='binary')"
    )
    session(
        "inputs = Input((sz, sz, 3)); x = Conv2D(4, 3)(inputs); x = GlobalAveragePooling2D()(x)\n"
        "x = Dense(8, activation='relu')(x); predictions = Dense(1, activation='sigmoid')(x)\n"
        "model = Model(inputs=inputs, outputs=predictions)\n"
        "for layer in model.layers[:2]: layer.trainable = False\n"
        "model.compile(optimizer='rmsprop', loss='binary_crossentropy', metrics=['accuracy'])"
    )
    capsys.readouterr()
    session(
        "%%time\n"
        "history = model.fit_generator(trn, trn.n // batch_size, epochs=2, workers=4, validation_data=val,\n"
        "                              validation_steps=val.n // batch_size)"
    )
    assert "→ model.fit(trn, steps_per_epoch=trn.n // batch_size, epochs=2" in capsys.readouterr().out
    assert len(session["history"].history["val_accuracy"]) == 2
    assert session("trn.workers") == 4
