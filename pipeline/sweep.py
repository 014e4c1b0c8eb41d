"""Train and evaluate the autoencoders of one sweep.   python -m pipeline.sweep ROW"""

from pipeline.inputs import language
from superposition.core import compute
from superposition.core.stage import Stage, run
from superposition.features import sweep_tables
from superposition.saes import distributed, sweep, training
from superposition.shards import ShardReader


def main(stage: Stage) -> None:
    """Every width, level and seed of the row: how each trained, what it came to, its weights."""
    config = stage.config(sweep.SweepConfig)
    points = sweep.points(config, key=f"sweep.{stage.row}", origin=stage.params.origin)
    shards = ShardReader(
        stage.store.path("activations", config.activations, "shards"),
        distributed.own_device(stage.device),
    )
    schedule = points[0].config.training
    source = shards.source(
        schedule.batch_size, n_epochs=schedule.n_epochs, n_batches=schedule.n_steps
    )
    checkpoint = stage.checkpoint(config, shards.index)
    with distributed.processes(stage.device):
        fitted = training.fit_many(
            [point.config for point in points],
            source,
            device=stage.device,
            checkpoint=checkpoint,
            label=f"sweep@{stage.row}",
        )
    evaluated = sweep_tables.evaluate(
        language.transformer(stage, "activations", config.activations),
        points,
        fitted,
        language.stream(stage, "held_out"),
        config=config,
        dtype=compute.matmul_dtype(stage.device),
    )
    found = sweep_tables.tables(points, fitted, evaluated)
    for name, table in found._asdict().items():
        stage.store.save_table(table, "sweep", stage.row, f"{name}.parquet")
    saes = [one.sae for one in fitted]
    stage.store.save_tensors(sweep.weights(points, saes), "sweep", stage.row, "weights.safetensors")
    summary = sweep_tables.summary(found.points, evaluated)
    stage.store.save_json(summary, "sweep", stage.row, "metrics.json")
    checkpoint.remove()


if __name__ == "__main__":
    run("sweep", main, rows="sweep")
