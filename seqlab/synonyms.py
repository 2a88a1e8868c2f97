"""Words of other libraries for keys and options of the config, which refusals translate.

Targets are written as on the command line. A key that only some options have stands after such an option:
`optimizer=adamw optimizer.weight_decay`.
"""

from __future__ import annotations

from collections.abc import Mapping

_KEYS = {
    "cell": "model rnn network net rnn_type cell_type layer",
    "cell.features": "hidden hidden_size hidden_dim hidden_units units num_units n_hidden nhid "
    "num_hidden rnn_size d_model dim width size",
    "cell.recurrent_init": "init kernel_init weight_init initializer recurrent_initializer",
    "cell=attention cell.num_heads": "heads nhead n_head n_heads num_attention_heads",
    "cell=attention cell.window": "context context_length context_size block_size window_size",
    "cell=elman cell.activation": "nonlinearity activation_fn",
    "architecture": "arch framing",
    "architecture.num_layers": "layers n_layers nlayers depth num_hidden_layers",
    "architecture.num_params": "params parameters n_params num_parameters parameter_budget",
    "architecture.target_state_size": "state_size state_dim",
    "architecture.norm": "normalization normalisation norm_type layer_norm rms_norm",
    "architecture.expand": "mlp_ratio expansion ffn_mult",
    "architecture.stochastic_depth": "drop_path droppath layer_dropout",
    "architecture.input_conv": "conv short_conv d_conv conv_size",
    "architecture.dropout": "dropout_rate drop p_drop input_dropout",
    "architecture.bidirectional": "bidir bi",
    "architecture.embedding": "emb embed embedding_size embedding_dim emb_size",
    "optimizer": "opt optim",
    "optimizer.learning_rate": "lr eta learningrate base_lr",
    "optimizer.b1": "beta1 beta_1",
    "optimizer.b2": "beta2 beta_2",
    "optimizer.eps": "epsilon",
    "optimizer=rmsprop optimizer.decay": "rho smoothing",
    "optimizer=adamw optimizer.weight_decay": "wd l2 weightdecay",
    "optimizer=sgd optimizer.momentum": "momentum",
    "schedule": "scheduler lr_scheduler lr_schedule sched",
    "schedule=warmup_cosine schedule.warmup_steps": "warmup warmup_iters warmup_ratio",
    "loss": "criterion loss_fn objective",
    "metrics": "metric",
    "training.steps": "epochs epoch num_epochs max_epochs n_epochs iterations iters num_iterations num_steps "
    "max_steps n_steps train_steps total_steps max_iters updates",
    "training.batch_size": "batch bs batchsize train_batch_size minibatch per_device_train_batch_size",
    "training.evaluation_batch_size": "eval_batch_size test_batch_size val_batch_size",
    "training.clip_norm": "clip grad_clip clip_grad gradient_clip gradient_clip_val max_grad_norm clipnorm",
    "training.clip_value": "clipvalue",
    "training.patience": "early_stopping early_stop",
    "training.accumulate": "accumulate_grad_batches gradient_accumulation_steps grad_accum accumulation",
    "training.ema_decay": "ema ema_rate use_ema",
    "training.swa_start": "swa",
    "training.seconds": "max_time time_limit max_seconds",
    "training.gradient_noise": "grad_noise",
    "training.rate_factors": "lr_mult layerwise_lr param_groups layer_decay",
    "training.precision": "dtype precision fp16 bf16 amp mixed_precision",
    "loss=smoothed_cross_entropy loss.label_smoothing": "label_smoothing smoothing_factor",
    "loss=smoothed_cross_entropy loss.class_weights": "class_weight class_weights",
    "training.eval_every": "val validation eval val_every validate_every evaluate_every eval_interval "
    "val_check_interval eval_steps",
    "training.log_every": "log log_interval logging_steps log_steps",
    "training.checkpoint_every": "save_every save_steps checkpoint checkpoints",
    "training.bptt_window": "bptt tbptt truncate truncation",
    "training.devices": "gpus num_gpus n_gpus num_devices",
    "training.feature_devices": "tensor_parallel tensor_parallel_size model_parallel mesh",
    "training.sample_length": "sample samples",
    "seed": "random_seed rng rng_seed seeds manual_seed random_state",
    "task": "dataset data corpus problem",
    "task.length": "seq_len sequence_length seq_length timesteps max_len max_length seqlen",
    "task=text_classification task.source": "source data_path data_dir dataset_path file train_file csv path",
    "recurrence.memory": "remat rematerialization gradient_checkpointing activation_checkpointing",
    "gradients": "grad gradient grads",
    "tracking.wandb.mode": "wandb use_wandb wandb_mode",
    "tracking.wandb.project": "wandb_project",
    "tracking.wandb.entity": "wandb_entity",
    "tracking.console.mode": "verbose quiet progress verbosity",
    "hydra.run.dir": "save_dir log_dir logdir output_dir outdir out output run_dir dir folder save_path",
    "hydra.sweep.dir": "sweep_dir",
    "hydra/launcher": "launcher parallel",
    "hydra/launcher=cores": "jobs workers num_workers n_jobs cores",
    "hydra/sweeper": "sweeper search",
    "resume": "restore continue load ckpt checkpoint_path resume_from resume_from_checkpoint",
    "init_from": "pretrained load_from weights finetune",
    "overwrite": "force",
    "name": "run_name exp_name experiment_name",
    "notes": "description comment",
    "+experiment": "exp config preset recipe",
}
"""Keys, each with the words that other libraries have for it."""

KEYS: Mapping[str, str] = {word: key for key, words in _KEYS.items() for word in words.split()}
"""The key that a word stands for."""

_DEVICE = "JAX uses the accelerator that it finds, and JAX_PLATFORMS=cpu in the environment chooses the CPU"
_PRECISION = (
    "parameters are float32; JAX_ENABLE_X64=1 in the environment makes them float64, and "
    "training.precision=bfloat16 rounds the operands of matrix products"
)
_TRANSFORMER = (
    "cell=attention architecture.block=pre_norm_mlp is a Transformer; attention to an encoder is a key of "
    "architecture=encoder_decoder"
)

ADVICE: Mapping[str, str] = {
    **dict.fromkeys(("device", "gpu", "cuda", "cpu", "tpu", "accelerator", "backend"), _DEVICE),
    **dict.fromkeys(("dtype", "precision", "fp16", "bf16", "amp", "mixed_precision"), _PRECISION),
    **dict.fromkeys(("transformer", "attention", "self_attention", "gpt", "bert"), _TRANSFORMER),
    **dict.fromkeys(
        ("source", "data_path", "data_dir", "dataset_path", "file", "train_file", "csv", "path"),
        "the tasks that read files are in docs/data.md",
    ),
    **dict.fromkeys(
        ("epochs", "epoch", "num_epochs", "max_epochs", "n_epochs"), "a step is one update on one batch"
    ),
}
"""What is to be said about a word besides, or where nothing stands for it."""

OPTIONS: Mapping[str, Mapping[str, str]] = {
    "cell": {
        **dict.fromkeys(("rnn", "simple_rnn", "simplernn", "vanilla", "vanilla_rnn", "srn"), "cell=elman"),
        **dict.fromkeys(("bilstm", "bi_lstm", "blstm"), "cell=lstm architecture.bidirectional=true"),
        **dict.fromkeys(("bigru", "bi_gru"), "cell=gru architecture.bidirectional=true"),
        **dict.fromkeys(("s4", "dss"), "cell=s4d"),
        **dict.fromkeys(("s6", "ssm", "mamba"), "cell=selective_ssm"),
        **dict.fromkeys(("griffin", "hawk", "rglru"), "cell=rg_lru"),
        "linear_rnn": "cell=lru",
        "xlstm": "cell=mlstm",
        **dict.fromkeys(("gla", "linear_attention"), "cell=gated_linear_attention"),
        **dict.fromkeys(("deltanet", "deltarule"), "cell=delta_net"),
        **dict.fromkeys(("deltaproduct", "delta_product"), "cell=delta_net cell.num_householder=2"),
        "indrnn": "cell=ind_rnn",
        **dict.fromkeys(
            ("transformer", "self_attention", "mha", "gpt"), "cell=attention architecture.block=pre_norm_mlp"
        ),
        **dict.fromkeys(("ln_lstm", "layernorm_lstm"), "cell=layer_norm_lstm"),
    },
    "architecture": {
        **dict.fromkeys(("seq2seq", "encdec", "transducer"), "architecture=encoder_decoder"),
        **dict.fromkeys(("classifier", "classification", "regression"), "architecture=many_to_one"),
        **dict.fromkeys(("lm", "language_model", "tagger", "sequence"), "architecture=many_to_many"),
        **dict.fromkeys(("mlp", "feedforward", "feed_forward", "dense", "fnn"), "architecture=one_to_one"),
        "decoder": "architecture=one_to_many",
    },
    "optimizer": {
        "sharpness_aware": "optimizer=sam",
        "momentum": "optimizer=sgd optimizer.momentum=0.9",
        "gd": "optimizer=sgd",
    },
    "loss": {
        **dict.fromkeys(("label_smoothing", "smooth_labels"), "loss=smoothed_cross_entropy"),
        **dict.fromkeys(("mse", "l2", "squared_error"), "loss=optax loss.name=squared_error"),
        **dict.fromkeys(("huber", "huber_loss", "smooth_l1"), "loss=optax loss.name=huber_loss"),
        **dict.fromkeys(("cross_entropy", "crossentropy", "ce", "nll", "null", "default"), "loss=task"),
    },
    "schedule": {
        **dict.fromkeys(("null", "off", "false"), "schedule=constant"),
        **dict.fromkeys(("warmup", "cosine_warmup"), "schedule=warmup_cosine"),
        **dict.fromkeys(("reduce_on_plateau", "reducelronplateau"), "schedule=plateau"),
        "exponential": "schedule=optax schedule.name=exponential_decay",
    },
    "task": {
        **dict.fromkeys(("copy", "copying"), "task=copy_memory"),
        **dict.fromkeys(("add", "addition", "sum"), "task=adding"),
        **dict.fromkeys(("forecast", "forecasting", "time_series", "timeseries"), "task=series"),
        **dict.fromkeys(("translation", "nmt", "translate"), "task=text_pairs"),
        **dict.fromkeys(("ner", "pos", "sequence_labelling"), "task=tagging"),
        **dict.fromkeys(("lm", "language_model", "language_modelling", "text"), "task=text_corpus"),
        **dict.fromkeys(("sentiment", "classification"), "task=text_classification"),
        **dict.fromkeys(("smnist", "seq_mnist", "sequential_mnist"), "task=mnist"),
        **dict.fromkeys(("captioning", "image_captioning"), "task=captions"),
        **dict.fromkeys(("asr", "speech"), "task=transcription"),
        "shakespeare": "task=tiny_shakespeare",
        "parity": "task=parity_check",
        "sms": "task=sms_spam",
        "music": "task=piano_roll",
    },
    "gradients": {
        **dict.fromkeys(("on", "true", "yes"), "gradients=norms"),
        **dict.fromkeys(("false", "null", "no"), "gradients=off"),
        "all": "gradients=full",
    },
    "hydra/launcher": {
        **dict.fromkeys(("vmap", "vectorised", "vectorize", "jit"), "hydra/launcher=vectorized"),
        **dict.fromkeys(("local", "processes", "multiprocessing"), "hydra/launcher=cores"),
        "submitit": "hydra/launcher=slurm",
        "ray_cores": "hydra/launcher=ray",
    },
    "hydra/sweeper": {
        **dict.fromkeys(("bayes", "bayesian", "optimize"), "hydra/sweeper=tpe"),
        "grid": "hydra/sweeper=basic",
    },
}
"""The options that a word stands for, by group. Here `none` is written `null` (`near_misses.normal`)."""
