//! Check digits of the numbers that states and banks give out. Each takes digits as values 0 to 9.

/// Luhn: payment cards.
pub(crate) fn luhn(digits: &[u8]) -> bool {
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(place, &digit)| match (place % 2, u32::from(digit) * 2) {
            (0, _) => u32::from(digit),
            (_, double) => double / 10 + double % 10,
        })
        .sum();
    sum.is_multiple_of(10) && digits.iter().any(|&digit| digit != digits[0])
}

/// Whether a card of this length may begin like this.
pub(crate) fn card_issuer(digits: &[u8]) -> bool {
    let first = |count: usize| {
        digits
            .iter()
            .take(count)
            .fold(0u32, |value, &digit| value * 10 + u32::from(digit))
    };
    let (two, three, four) = (first(2), first(3), first(4));
    match digits.len() {
        13 | 19 => digits[0] == 4,
        14 => (300..=305).contains(&three) || matches!(two, 36 | 38 | 39),
        15 => matches!(two, 34 | 37),
        16 => {
            digits[0] == 4
                || (51..=55).contains(&two)
                || (2221..=2720).contains(&four)
                || four == 6011
                || two == 65
                || (644..=649).contains(&three)
                || (3528..=3589).contains(&four)
                || two == 62
        }
        _ => false,
    }
}

/// Verhoeff: Aadhaar.
pub(crate) fn verhoeff(digits: &[u8]) -> bool {
    const TIMES: [[u8; 10]; 10] = [
        [0, 1, 2, 3, 4, 5, 6, 7, 8, 9],
        [1, 2, 3, 4, 0, 6, 7, 8, 9, 5],
        [2, 3, 4, 0, 1, 7, 8, 9, 5, 6],
        [3, 4, 0, 1, 2, 8, 9, 5, 6, 7],
        [4, 0, 1, 2, 3, 9, 5, 6, 7, 8],
        [5, 9, 8, 7, 6, 0, 4, 3, 2, 1],
        [6, 5, 9, 8, 7, 1, 0, 4, 3, 2],
        [7, 6, 5, 9, 8, 2, 1, 0, 4, 3],
        [8, 7, 6, 5, 9, 3, 2, 1, 0, 4],
        [9, 8, 7, 6, 5, 4, 3, 2, 1, 0],
    ];
    const TURN: [u8; 10] = [1, 5, 7, 6, 2, 8, 3, 0, 9, 4];
    let turned =
        |digit: u8, times: usize| (0..times % 8).fold(digit, |digit, _| TURN[digit as usize]);
    let sum = digits
        .iter()
        .rev()
        .enumerate()
        .fold(0u8, |sum, (place, &digit)| {
            TIMES[sum as usize][turned(digit, place) as usize]
        });
    sum == 0
}

/// Brazilian CPF: eleven digits, two of them checks.
pub(crate) fn cpf(digits: &[u8]) -> bool {
    let check = |count: usize| {
        let sum: u32 = digits[..count]
            .iter()
            .enumerate()
            .map(|(place, &digit)| u32::from(digit) * (count as u32 + 1 - place as u32))
            .sum();
        (sum * 10 % 11 % 10) as u8
    };
    digits.len() == 11
        && digits.iter().any(|&digit| digit != digits[0])
        && check(9) == digits[9]
        && check(10) == digits[10]
}

/// German Steuer-ID: eleven digits, ISO 7064 MOD 11,10, and one digit repeated among the first ten.
pub(crate) fn steuer_id(digits: &[u8]) -> bool {
    if digits.len() != 11 || digits[0] == 0 {
        return false;
    }
    let mut counts = [0; 10];
    for &digit in &digits[..10] {
        counts[digit as usize] += 1;
    }
    let repeated = counts.iter().filter(|&&count| count >= 2).count();
    if repeated != 1 || counts.iter().any(|&count| count > 3) {
        return false;
    }
    let product = digits[..10].iter().fold(10u32, |product, &digit| {
        match (product + u32::from(digit)) % 10 {
            0 => 20 % 11,
            sum => sum * 2 % 11,
        }
    });
    (11 - product) % 10 == u32::from(digits[10])
}

/// French NIR: thirteen digits and a key, 97 less the number modulo 97.
pub(crate) fn nir(digits: &[u8]) -> bool {
    if digits.len() != 15 || !matches!(digits[0], 1 | 2) {
        return false;
    }
    let month = digits[3] * 10 + digits[4];
    let number = digits[..13]
        .iter()
        .fold(0u64, |value, &digit| value * 10 + u64::from(digit));
    let key = u64::from(digits[13]) * 10 + u64::from(digits[14]);
    (1..=12).contains(&month) && 97 - number % 97 == key
}

/// Dutch BSN: nine digits, the eleven test.
pub(crate) fn bsn(digits: &[u8]) -> bool {
    if digits.len() != 9 || digits.iter().all(|&digit| digit == 0) {
        return false;
    }
    let sum: i32 = digits[..8]
        .iter()
        .zip((2..=9).rev())
        .map(|(&digit, weight)| i32::from(digit) * weight)
        .sum();
    (sum - i32::from(digits[8])) % 11 == 0
}

/// The letter of a Spanish DNI or NIE of eight digits.
pub(crate) fn dni_letter(number: u32) -> u8 {
    b"TRWAGMYFPDXBNJZSQVHLCKE"[(number % 23) as usize]
}

/// Italian codice fiscale: sixteen letters and digits, the last a check.
pub(crate) fn codice_fiscale(code: &[u8]) -> bool {
    const ODD: [u32; 36] = [
        1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3,
        6, 8, 12, 14, 16, 10, 22, 25, 24, 23,
    ];
    let form = b"AAAAAA00A00A000A";
    if code.len() != 16
        || !code.iter().zip(form).all(|(byte, like)| {
            byte.is_ascii_uppercase() == (*like == b'A') && byte.is_ascii_alphanumeric()
        })
    {
        return false;
    }
    if !b"ABCDEHLMPRST".contains(&code[8]) {
        return false;
    }
    let value = |byte: u8| {
        if byte.is_ascii_digit() {
            usize::from(byte - b'0')
        } else {
            usize::from(byte - b'A') + 10
        }
    };
    let sum: u32 = code[..15]
        .iter()
        .enumerate()
        .map(|(place, &byte)| {
            let even = if byte.is_ascii_digit() {
                byte - b'0'
            } else {
                byte - b'A'
            };
            if place % 2 == 0 {
                ODD[value(byte)]
            } else {
                u32::from(even)
            }
        })
        .sum();
    u32::from(code[15] - b'A') == sum % 26
}

/// How long an IBAN of each country is.
const IBAN_LENGTHS: &[(&[u8; 2], usize)] = &[
    (b"AD", 24),
    (b"AE", 23),
    (b"AL", 28),
    (b"AT", 20),
    (b"AZ", 28),
    (b"BA", 20),
    (b"BE", 16),
    (b"BG", 22),
    (b"BH", 22),
    (b"BR", 29),
    (b"BY", 28),
    (b"CH", 21),
    (b"CR", 22),
    (b"CY", 28),
    (b"CZ", 24),
    (b"DE", 22),
    (b"DK", 18),
    (b"DO", 28),
    (b"EE", 20),
    (b"EG", 29),
    (b"ES", 24),
    (b"FI", 18),
    (b"FO", 18),
    (b"FR", 27),
    (b"GB", 22),
    (b"GE", 22),
    (b"GI", 23),
    (b"GL", 18),
    (b"GR", 27),
    (b"GT", 28),
    (b"HR", 21),
    (b"HU", 28),
    (b"IE", 22),
    (b"IL", 23),
    (b"IQ", 23),
    (b"IS", 26),
    (b"IT", 27),
    (b"JO", 30),
    (b"KW", 30),
    (b"KZ", 20),
    (b"LB", 28),
    (b"LC", 32),
    (b"LI", 21),
    (b"LT", 20),
    (b"LU", 20),
    (b"LV", 21),
    (b"LY", 25),
    (b"MC", 27),
    (b"MD", 24),
    (b"ME", 22),
    (b"MK", 19),
    (b"MR", 27),
    (b"MT", 31),
    (b"MU", 30),
    (b"NL", 18),
    (b"NO", 15),
    (b"PK", 24),
    (b"PL", 28),
    (b"PS", 29),
    (b"PT", 25),
    (b"QA", 29),
    (b"RO", 24),
    (b"RS", 22),
    (b"SA", 24),
    (b"SC", 31),
    (b"SE", 24),
    (b"SI", 19),
    (b"SK", 24),
    (b"SM", 27),
    (b"ST", 25),
    (b"SV", 28),
    (b"TL", 23),
    (b"TN", 24),
    (b"TR", 26),
    (b"UA", 29),
    (b"VA", 22),
    (b"VG", 24),
    (b"XK", 20),
];

/// How many characters an IBAN has that begins with `country`.
pub(crate) fn iban_length(country: &[u8]) -> Option<usize> {
    IBAN_LENGTHS
        .iter()
        .find(|(name, _)| name.as_slice() == country)
        .map(|(_, length)| *length)
}

/// Whether the check digits of an IBAN are right: modulo 97 it is 1.
pub(crate) fn iban(code: &[u8]) -> bool {
    let rest = code
        .iter()
        .skip(4)
        .chain(code.iter().take(4))
        .try_fold(0u32, |rest, &byte| match byte {
            b'0'..=b'9' => Some((rest * 10 + u32::from(byte - b'0')) % 97),
            b'A'..=b'Z' => Some((rest * 100 + u32::from(byte - b'A') + 10) % 97),
            _ => None,
        });
    rest == Some(1)
}
