//! Deterministic mathematical functions for SQLite, with the same bits on every machine.
//!
//! SQLite's own call the C library, whose last bits differ between systems, and what SQL gives is cached by
//! content. These are the same functions (<https://sqlite.org/lang_mathfunc.html>) over `libm`, which is
//! compiled with us. As there, an argument that is no number gives NULL, and so does one outside of the
//! function's domain.

use rusqlite::{
    Connection,
    functions::{Context, FunctionFlags},
    types::{Value, ValueRef},
};

/// A function of one number.
type OfOne = fn(f64) -> f64;

/// A function of two numbers.
type OfTwo = fn(f64, f64) -> f64;

/// An argument as SQLite sees a number.
#[derive(Debug, Clone, Copy)]
enum Number {
    Integer(i64),
    Real(f64),
}

impl Number {
    fn real(self) -> f64 {
        match self {
            Self::Integer(value) => value as f64,
            Self::Real(value) => value,
        }
    }
}

/// Makes the functions known to a connection.
pub(super) fn register(db: &Connection) -> rusqlite::Result<()> {
    let of_one: [(&str, OfOne); 21] = [
        ("acos", libm::acos),
        ("acosh", libm::acosh),
        ("asin", libm::asin),
        ("asinh", libm::asinh),
        ("atan", libm::atan),
        ("atanh", libm::atanh),
        ("cos", libm::cos),
        ("cosh", libm::cosh),
        ("degrees", |x| x * (180.0 / std::f64::consts::PI)),
        ("exp", libm::exp),
        ("ln", |x| logarithm(x, libm::log)),
        ("log", |x| logarithm(x, libm::log10)),
        ("log10", |x| logarithm(x, libm::log10)),
        ("log2", |x| logarithm(x, libm::log2)),
        ("radians", |x| x * (std::f64::consts::PI / 180.0)),
        ("sin", libm::sin),
        ("sinh", libm::sinh),
        ("sqrt", libm::sqrt),
        ("tan", libm::tan),
        ("tanh", libm::tanh),
        // For the sign of a number, whole or not.
        ("sign", |x| if x.is_nan() { x } else { f64::from(i8::from(x > 0.0) - i8::from(x < 0.0)) }),
    ];
    for (name, function) in of_one {
        let whole = name == "sign";
        scalar(db, name, 1, move |given| {
            let value = function(given[0]?.real());
            Some(if whole { Value::Integer(value as i64) } else { Value::Real(value) })
        })?;
    }
    // Whole numbers stay whole.
    let to_whole: [(&str, OfOne); 4] = [
        ("ceil", libm::ceil),
        ("ceiling", libm::ceil),
        ("floor", libm::floor),
        ("trunc", libm::trunc),
    ];
    for (name, function) in to_whole {
        scalar(db, name, 1, move |given| {
            Some(match given[0]? {
                Number::Integer(value) => Value::Integer(value),
                Number::Real(value) => Value::Real(function(value)),
            })
        })?;
    }
    let of_two: [(&str, OfTwo); 5] = [
        ("atan2", libm::atan2),
        ("log", |base, x| {
            let base = logarithm(base, libm::log);
            if base > 0.0 { logarithm(x, libm::log) / base } else { f64::NAN }
        }),
        ("mod", libm::fmod),
        ("pow", libm::pow),
        ("power", libm::pow),
    ];
    for (name, function) in of_two {
        scalar(db, name, 2, move |given| {
            Some(Value::Real(function(given[0]?.real(), given[1]?.real())))
        })?;
    }
    scalar(db, "pi", 0, |_| Some(Value::Real(std::f64::consts::PI)))
}

/// A logarithm; there is none of 0 or less.
fn logarithm(x: f64, function: fn(f64) -> f64) -> f64 {
    if x > 0.0 { function(x) } else { f64::NAN }
}

/// Registers a function of numbers; NaN is SQLite's NULL.
fn scalar(
    db: &Connection,
    name: &str,
    arguments: i32,
    function: impl Fn(&[Option<Number>]) -> Option<Value> + Send + 'static,
) -> rusqlite::Result<()> {
    let flags = FunctionFlags::SQLITE_UTF8
        | FunctionFlags::SQLITE_DETERMINISTIC
        | FunctionFlags::SQLITE_INNOCUOUS;
    db.create_scalar_function(name, arguments, flags, move |context: &mut Context<'_>| {
        let given: Vec<Option<Number>> =
            (0..context.len()).map(|at| number(context.get_raw(at))).collect();
        Ok(match function(&given) {
            Some(Value::Real(value)) if value.is_nan() => Value::Null,
            Some(value) => value,
            None => Value::Null,
        })
    })
}

/// A number, or a text that is one.
fn number(value: ValueRef<'_>) -> Option<Number> {
    match value {
        ValueRef::Integer(value) => Some(Number::Integer(value)),
        ValueRef::Real(value) => Some(Number::Real(value)),
        ValueRef::Text(bytes) => {
            let text = std::str::from_utf8(bytes).ok()?.trim_ascii();
            if let Ok(value) = text.parse() {
                return Some(Number::Integer(value));
            }
            // Rust also reads `inf` and `nan`.
            let plain = |b: u8| b.is_ascii_digit() || matches!(b, b'.' | b'e' | b'E' | b'+' | b'-');
            let value = text.bytes().all(plain).then(|| text.parse().ok())??;
            Some(Number::Real(value))
        }
        ValueRef::Null | ValueRef::Blob(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(sql: &str) -> Value {
        let db = Connection::open_in_memory().unwrap();
        register(&db).unwrap();
        db.query_row(&format!("SELECT {sql}"), [], |row| row.get(0)).unwrap()
    }

    fn real(sql: &str) -> f64 {
        match value(sql) {
            Value::Real(value) => value,
            other => panic!("{sql} is {other:?}"),
        }
    }

    #[test]
    fn every_function_of_sqlites_list_gives_its_value() {
        for (sql, expected) in [
            ("acos(0.25)", 1.318_116_071_652_818),
            ("acosh(2)", 1.3169578969248166),
            ("asin(0.25)", 0.252_680_255_142_078_65),
            ("asinh(2)", 1.4436354751788103),
            ("atan(2)", 1.1071487177940904),
            ("atan2(1, -1)", 2.356194490192345),
            ("atanh(0.5)", 0.5493061443340548),
            ("cos(1)", 0.5403023058681398),
            ("cosh(1)", 1.5430806348152437),
            ("degrees(pi())", 180.0),
            ("exp(1)", std::f64::consts::E),
            ("ln(2)", std::f64::consts::LN_2),
            ("log(1000)", 3.0),
            ("log10(1000)", 3.0),
            ("log2(8)", 3.0),
            ("log(2, 8)", 3.0),
            ("mod(7.5, -2)", 1.5),
            ("pi()", std::f64::consts::PI),
            ("pow(2, 0.5)", std::f64::consts::SQRT_2),
            ("power(2, 10)", 1024.0),
            ("radians(180)", std::f64::consts::PI),
            ("sin(1)", 0.8414709848078965),
            ("sinh(1)", 1.1752011936438014),
            ("sqrt(2)", std::f64::consts::SQRT_2),
            ("tan(1)", 1.5574077246549023),
            ("tanh(1)", 0.7615941559557649),
            ("floor(-1.5)", -2.0),
            ("ceil(1.2)", 2.0),
            ("ceiling(1.2)", 2.0),
            ("trunc(-1.7)", -1.0),
        ] {
            let found = real(sql);
            assert!((found - expected).abs() <= 4e-16 * expected.abs(), "{sql}: {found}");
        }
    }

    #[test]
    fn whole_numbers_stay_whole_where_sqlite_keeps_them() {
        for (sql, expected) in [
            ("floor(3)", 3),
            ("ceil('4')", 4),
            ("trunc(-2)", -2),
            ("sign(-0.5)", -1),
            ("sign(0)", 0),
        ] {
            assert_eq!(value(sql), Value::Integer(expected), "{sql}");
        }
    }

    #[test]
    fn what_is_outside_of_the_domain_or_no_number_is_null() {
        for sql in [
            "ln(0)",
            "ln(-1)",
            "log(0)",
            "log10(-3)",
            "log2(0)",
            "log(-1, 2)",
            "log(1, 2)",
            "log(2, 0)",
            "sqrt(-1)",
            "acos(2)",
            "asin(-2)",
            "acosh(0.5)",
            "atanh(2)",
            "mod(1, 0)",
            "pow(-1, 0.5)",
            "sin(NULL)",
            "pow(NULL, 1)",
            "floor('x')",
            "exp('nan')",
            "cos(x'00')",
            "sign('a')",
        ] {
            assert_eq!(value(sql), Value::Null, "{sql}");
        }
        assert_eq!(real("sqrt(' 4 ')"), 2.0, "a text that is a number is one");
        assert_eq!(real("exp(1000)"), f64::INFINITY, "as SQLite has it");
    }
}
