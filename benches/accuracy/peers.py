"""One fit of one peer, in a process of its own: predictions on validation and test rows, CPU seconds, peak memory."""

import json
import resource
import sys
import time

import numpy


def made(peer, is_class, categories, seed):
    """Every peer at its defaults, on one core."""
    if peer == "lightgbm":
        import lightgbm

        kind = lightgbm.LGBMClassifier if is_class else lightgbm.LGBMRegressor
        return kind(n_jobs=1, verbose=-1, random_state=seed), {"categorical_feature": categories or "auto"}
    if peer == "histgb":
        from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

        kind = HistGradientBoostingClassifier if is_class else HistGradientBoostingRegressor
        return kind(categorical_features=categories or None, random_state=seed), {}
    if peer == "mlp":
        from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
        from sklearn.neural_network import MLPClassifier, MLPRegressor
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import OneHotEncoder, StandardScaler

        encode = ColumnTransformer(
            [("c", OneHotEncoder(handle_unknown="ignore", sparse_output=False), categories)],
            remainder=StandardScaler(),
        )
        if is_class:
            return make_pipeline(encode, MLPClassifier(random_state=seed)), {}
        net = make_pipeline(encode, MLPRegressor(random_state=seed))
        return TransformedTargetRegressor(net, transformer=StandardScaler()), {}
    import pytabkit
    import torch

    torch.set_num_threads(1)
    names = {
        "realmlp": ("RealMLP_TD_Classifier", "RealMLP_TD_Regressor"),
        "tabm": ("TabM_D_Classifier", "TabM_D_Regressor"),
        "xrfm": ("XRFM_D_Classifier", "XRFM_D_Regressor"),
    }
    kind = getattr(pytabkit, names[peer][0 if is_class else 1])
    return kind(device="cpu", random_state=seed, n_threads=1), {}


def main():
    folder, peer, seed, seconds = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 5))
    kept = numpy.load(f"{folder}/rows.npz")
    x, y, side = kept["x"], kept["y"], kept["side"]
    about = json.load(open(f"{folder}/about.json"))
    model, more = made(peer, about["is_class"], about["categories"], seed)
    start = time.process_time()
    train = side == "train"
    if peer in ("realmlp", "tabm", "xrfm"):
        valid = side == "valid"
        model.fit(x[train], y[train], X_val=x[valid], y_val=y[valid])
    else:
        model.fit(x[train], y[train], **more)
    cpu = time.process_time() - start
    found = {}
    for part in ("valid", "test"):
        rows = x[side == part]
        found[part] = model.predict_proba(rows) if about["is_class"] else model.predict(rows)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    numpy.savez(f"{folder}/predicted.npz", cpu=cpu, peak=peak, **found)


if __name__ == "__main__":
    main()
