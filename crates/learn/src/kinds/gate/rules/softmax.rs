//! `softmax`: a network on the row's own columns decides (Jacobs, Jordan, Nowlan and Hinton 1991).

use collegium_digest::stream;
use collegium_manifest::{Mlp, spec::BalanceBy};

use super::super::fit::{GateError, GateJob, Gated, routed, seen};
use crate::{
    Routing, Watch, Weights,
    combine::softmax::{Manner, Softmax},
    init,
    train::{Course, Truth, through_epochs},
};

pub(in super::super) fn fit(
    job: &GateJob,
    truth: Truth,
    manner: Manner,
    net: &Mlp,
    watch: &mut Watch,
) -> Result<Gated, GateError> {
    let mut combination = routed(job, job.spec.temperature.unwrap_or(1.0));
    let own = combination.own_columns(job.lesson.x.width).len();
    let widths: Vec<usize> = std::iter::once(own)
        .chain(net.hidden.iter().map(|width| *width as usize))
        .chain([job.handed.len()])
        .collect();
    let network = init::fresh(&widths, net.activation, &job.lesson.key);
    let Weights::Softmax(routing) = combination.weights.clone() else {
        unreachable!("a routed combination has a softmax");
    };
    let course = Course {
        train: job.lesson.train,
        rows: job.lesson.x.rows,
        total: truth.total(),
        constant: truth.constant_loss(),
        key: job.lesson.key,
    };
    let valid = truth
        .validation(job.lesson.x_valid, &job.lesson.y_valid, job.lesson.x.width)?
        .map(|truth| seen(&combination, job.lesson.x_valid, truth, &job.lesson.head));
    let train = seen(&combination, job.lesson.x, truth, &job.lesson.head);
    let noise = stream(&job.lesson.key, "gate noise");
    let start = (network, job.lesson.train);
    let mut fit =
        Softmax::new(manner, train, valid, job.lesson.head, routing.clone(), start, noise);
    let (epochs, best_epoch) = through_epochs(&course, &mut fit, watch)?;
    let (network, bias) = fit.best;
    let bias = if manner.balance.by == BalanceBy::Bias { bias } else { Vec::new() };
    combination.weights = Weights::Softmax(Routing { bias, ..routing });
    Ok(Gated { network, combination, epochs, best_epoch })
}
