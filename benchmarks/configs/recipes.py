"""Recipes as papers and their code give them, once each: what a stage's `recipe` holds. A protocol takes one by

    with read_base():
        from ..recipes import nas_fcos_final

and `recipe=nas_fcos_final`, or `recipe=dict(nas_fcos_final, resumable=True)`. Batches are those of all the authors' devices
together: with a smaller one, lower the optimiser's lr in proportion. docs/recipes.md says what differs from the sources.
"""

# Nekrasov et al., CVPR 2019 (their code: DrSleep/nas-segm-pytorch): the decoder alone on the encoder's cached outputs, then the
# whole network, in which the encoder has an optimiser and a clipped gradient of its own.
cvpr19_decoder = dict(
    epochs=5,
    batch=64,
    optimizer=dict(type="Adam", lr=3e-3, weight_decay=1e-5),
    clip=3.0,
    average=dict(type="EpochPolyak", decay=0.9),
)
cvpr19_whole = dict(
    epochs=1,
    batch=32,
    optimizer=dict(type="Adam", lr=3e-3, weight_decay=1e-5),
    encoder=dict(type="SGD", lr=1e-3, momentum=0.9, weight_decay=1e-5),
    clip=3.0,
    average=dict(type="EpochPolyak", decay=0.99),
)

# Nekrasov et al., WACV 2020 (the same code, examples/search/search_wacv.sh): as above, with Adam for the encoder, too.
wacv20_decoder = dict(
    epochs=5,
    batch=32,
    optimizer=dict(type="Adam", lr=7e-3, weight_decay=1e-5),
    clip=3.0,
    average=dict(type="EpochPolyak", decay=0.9),
)
wacv20_whole = dict(
    epochs=5,
    batch=32,
    optimizer=dict(type="Adam", lr=2e-3, weight_decay=1e-5),
    encoder=dict(type="Adam", lr=5e-4, weight_decay=1e-5),
    clip=3.0,
    average=dict(type="EpochPolyak", decay=0.99),
)

# Wang et al., NAS-FCOS, CVPR 2020 (Lausannen/NAS-FCOS, configs/search): the final training on COCO. Their 90,000 iterations are
# 12.2 epochs of train2017; these 12 end at 88,716.
nas_fcos_final = dict(
    epochs=12,
    batch=16,
    optimizer=dict(type="SGD", lr=0.01, momentum=0.9, weight_decay=1e-4),
    encoder=dict(),
    paramwise_cfg=dict(custom_keys=dict(bias=dict(lr_mult=2.0, decay_mult=0.0))),
    schedule=[
        dict(type="LinearLR", start_factor=1 / 3, end=500, by_epoch=False),
        dict(type="MultiStepLR", milestones=[60_000, 80_000], by_epoch=False),
    ],
    clip=None,
)

# Fang et al., FNA, ICLR 2020 (JaminFong/FNA, fna_det/configs), SSDLite. An epoch of theirs goes through the images five times:
# 30 and 60 are 150 and 300 here.
fna_search = dict(
    epochs=150,
    batch=128,
    optimizer=dict(type="RMSprop", lr=0.05, eps=1.0, momentum=0.9, weight_decay=4e-5),
    schedule=[
        dict(type="LinearLR", start_factor=1 / 3, end=500, by_epoch=False),
        dict(type="MultiStepLR", milestones=[90, 125, 140]),
    ],
    clip=None,
)
fna_final = dict(
    epochs=300,
    batch=512,
    optimizer=dict(type="RMSprop", lr=0.2, eps=1.0, momentum=0.9, weight_decay=4e-5),
    schedule=[
        dict(type="LinearLR", start_factor=1 / 3, end=500, by_epoch=False),
        dict(type="MultiStepLR", milestones=[180, 250, 280]),
    ],
    clip=None,
)

# Rana and Kim, "Robust architecture search using network adaptation", J. Sensor Sci. Technol. 30(5), 2021, section 3: from 0 to
# 0.03 in 500 iterations, a tenth from epoch 22 on, the architecture from epoch 20 on. Batch, momentum and eps, which they do
# not give, are those of FNA on one device.
network_adaptation_search = dict(
    epochs=24,
    batch=16,
    optimizer=dict(type="RMSprop", lr=0.03, eps=1.0, momentum=0.9, weight_decay=4e-5),
    schedule=[
        dict(type="LinearLR", start_factor=1 / 500, end=500, by_epoch=False),
        dict(type="MultiStepLR", milestones=[22]),
    ],
    clip=None,
)

# Zhang et al., IR-NAS, 2019 (HiNAS, CVPR 2020; hkzhang-git/HiNAS): search on BSD500, where the cosine of their code rises again
# every ten epochs, and final training, whose 600,000 iterations are 46,154 epochs of 300 images.
ir_nas_search = dict(
    epochs=100,
    batch=6,
    optimizer=dict(type="SGD", lr=0.025, momentum=0.9, weight_decay=3e-4),
    schedule=[dict(type="CosineAnnealingLR", eta_min=1e-3)],
    clip=None,
)
ir_nas_final = dict(
    epochs=46_154,
    batch=24,
    optimizer=dict(type="SGD", lr=0.05, momentum=0.9, weight_decay=4e-5),
    paramwise_cfg=dict(custom_keys=dict(bias=dict(lr_mult=2.0, decay_mult=0.0))),
    schedule=[dict(type="PolyLR", power=0.9, by_epoch=False)],
    clip=None,
    clip_value=5.0,
)

# Liu et al., DARTS, ICLR 2019 (quark0/darts, cnn/train_search.py): the weights of the supernet. Adam for the architecture, at
# 3e-4 with betas 0.5 and 0.999 and decay 1e-3, is the default of the strategy `DARTS`.
darts_search = dict(
    epochs=50,
    batch=64,
    optimizer=dict(type="SGD", lr=0.025, momentum=0.9, weight_decay=3e-4),
    schedule=[dict(type="CosineAnnealingLR", eta_min=1e-3)],
    clip=5.0,
)
