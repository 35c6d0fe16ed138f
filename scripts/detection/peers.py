"""What others' tools find in a cell: peers.py LOG [CROSS_VALIDATED.npy] prints rows of evaluation.py's table.

Their own code, from PyPI: InterpretDL's functions, aum's calculator, cleanlab's qualities and filters,
scikit-learn's mixture as DivideMix calls it. By formula, where the code is a training loop or needs a framework:
Toneva's order, loss EMA (RoCL; Datumaro, to which OpenVINO's trainer hands the losses), Dataset Cartography, the
mean and the last loss. CROSS_VALIDATED.npy, [N][classes], is crossval.py's.
"""
import importlib.util
import os
import sys
import tempfile
import types

import numpy
import torch
from aum import AUMCalculator
from cleanlab.filter import find_label_issues
from cleanlab.rank import get_label_quality_scores
from sklearn.mixture import GaussianMixture

import cells
from evaluation import Evaluation

QUALITIES = ("self_confidence", "normalized_margin", "confidence_weighted_entropy")
FILTERS = ("prune_by_noise_rate", "prune_by_class", "both", "confident_learning", "predicted_neq_given",
           "low_self_confidence", "low_normalized_margin")  # the first is find_label_issues' default


def interpretdl_functions():
    """InterpretDL's class of forgetting events. Its two functions need NumPy alone, but its file imports Paddle and
    the package its other interpreters: stand-ins take their place, and the installed file itself is run."""
    package = importlib.util.find_spec("interpretdl").submodule_search_locations[0]
    for module, content in (("paddle", {"optimizer": None}), ("standin", {"__path__": []}),
                            ("standin.abc_interpreter", {"Interpreter": object})):
        sys.modules[module] = types.ModuleType(module)
        vars(sys.modules[module]).update(content)
    spec = importlib.util.spec_from_file_location("standin.forgetting_events",
                                                  os.path.join(package, "interpreter", "forgetting_events.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.ForgettingEventsInterpreter.__new__(module.ForgettingEventsInterpreter)


def interpretdl(cell, evaluation):
    functions, epochs = interpretdl_functions(), len(cell.predicted)
    right = (cell.predicted == cell.labels).astype(int).T.tolist()
    stats = {i: [right[i], predicted] for i, predicted in enumerate(cell.predicted.T.tolist())}
    flagged = numpy.zeros(len(cell.labels), bool)
    flagged[functions.find_noisy_labels(stats)] = True
    evaluation.flagged("InterpretDL", "mean-correct-epoch", "class", "find_noisy_labels", flagged)
    events = numpy.zeros(len(cell.labels))
    with tempfile.TemporaryDirectory() as folder:
        for count, indices in functions.compute_and_order_forgetting_stats(stats, epochs, folder)[0].items():
            events[indices] = count
    evaluation.ranked("InterpretDL", "forgetting-events", "class", events)
    evaluation.ranked("Toneva et al.", "forgetting-events", "class", numpy.where(events < 0, epochs, events))


def area_under_margin(cell, evaluation):
    with tempfile.TemporaryDirectory() as folder:
        calculator = AUMCalculator(folder)
        for log_probs in cell.log_probs:
            records = calculator.update(torch.from_numpy(log_probs), torch.from_numpy(cell.labels),
                                        range(len(cell.labels)))
    evaluation.ranked("aum", "aum", "margin", -numpy.array([records[i].aum for i in range(len(cell.labels))]))


def losses(cell, evaluation):
    rocl, datumaro = cell.losses[0].astype(float), numpy.zeros(len(cell.labels))
    for epoch, loss in enumerate(cell.losses.astype(float)):
        rocl = 0.1 * rocl + 0.9 * loss if epoch else rocl
        datumaro = 0.999 * datumaro + 0.001 * loss
    evaluation.ranked("RoCL", "loss-ema", "loss", rocl)
    evaluation.ranked("Datumaro, OpenVINO", "loss-ema", "loss", datumaro)
    evaluation.ranked("small loss", "mean-loss", "loss", cell.losses.mean(axis=0, dtype=float))
    evaluation.ranked("small loss", "last-loss", "loss", cell.losses[-1])
    confidence = numpy.exp(-cell.losses.astype(float)).mean(axis=0)
    evaluation.ranked("Dataset Cartography", "confidence", "loss", -confidence)


def dividemix(cell, evaluation):
    """On the losses of the last epoch, and on the mean of the last five as its code does for much noise. Its losses
    are of a pass of their own after the epoch; these are of the training's."""
    scaled = [(loss - loss.min()) / (loss.max() - loss.min()) for loss in cell.losses.astype(float)]
    for score, values in (("last-loss", scaled[-1]), ("mean-of-5-losses", numpy.mean(scaled[-5:], axis=0))):
        mixture = GaussianMixture(n_components=2, max_iter=10, tol=1e-2, reg_covar=5e-4, random_state=0)
        clean = mixture.fit(values.reshape(-1, 1)).predict_proba(values.reshape(-1, 1))[:, mixture.means_.argmin()]
        evaluation.flagged("DivideMix", score, "loss", "gmm", clean <= 0.5)


def cleanlab(cell, evaluation, cross_validated):
    given = {"last": numpy.exp(cell.log_probs[-1].astype(float)),
             "mean": numpy.exp(cell.log_probs.astype(float)).mean(axis=0)}
    if cross_validated is not None:
        given["cross-validated"] = cross_validated[cell.samples].astype(float)
    for of, probs in given.items():
        probs /= probs.sum(axis=1, keepdims=True)
        for quality in QUALITIES:
            scores = get_label_quality_scores(cell.labels, probs, method=quality)
            evaluation.ranked("cleanlab", quality, of, -scores)
        for rule in FILTERS:
            flagged = find_label_issues(cell.labels, probs, filter_by=rule, n_jobs=1)
            evaluation.flagged("cleanlab", "-", of, rule, flagged)


def main():
    torch.set_num_threads(1)
    cell = cells.load(sys.argv[1])
    evaluation = Evaluation(cell.dataset, cell.noise, cell.seed, cell.wrong)
    for tool in (interpretdl, area_under_margin, losses, dividemix):
        tool(cell, evaluation)
    cleanlab(cell, evaluation, numpy.load(sys.argv[2]) if len(sys.argv) > 2 else None)


if __name__ == "__main__":
    main()
