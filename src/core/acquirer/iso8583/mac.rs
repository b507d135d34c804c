//! The MAC of field 64, over a block cipher that the caller brings: keys are never seen here.
//!
//! It covers the bytes from the message type to the last field before 64 ([`super::View::mac_parts`]); length, TPDU and header are outside.

/// One block under the key.
pub type Block = [u8; 8];

/// The ECB method of UnionPay POS: XOR of all blocks (the last filled with zeros), the result as 16 upper-case hex characters; the first eight
/// enciphered, XOR the last eight, enciphered again; the first eight hex characters of that are the MAC.
pub fn ecb(data: &[u8], mut encipher: impl FnMut(Block) -> Block) -> Block {
    let folded = blocks(data).fold([0; 8], xor);
    let text = hex_text(folded);
    let (first, last) = (half(&text, 0), half(&text, 8));
    let once = encipher(first);
    let result = encipher(xor(once, last));
    half(&hex_text(result), 0)
}

/// Plain CBC over the blocks (the last filled with zeros): the last enciphered block is the MAC.
pub fn cbc(data: &[u8], mut encipher: impl FnMut(Block) -> Block) -> Block {
    blocks(data).fold([0; 8], |chain, block| encipher(xor(chain, block)))
}

fn blocks(data: &[u8]) -> impl Iterator<Item = Block> + '_ {
    data.chunks(8).map(|chunk| {
        let mut block = [0; 8];
        block[..chunk.len()].copy_from_slice(chunk);
        block
    })
}

fn xor(a: Block, b: Block) -> Block {
    std::array::from_fn(|i| a[i] ^ b[i])
}

fn half(text: &[u8; 16], start: usize) -> Block {
    std::array::from_fn(|i| text[start + i])
}

fn hex_text(block: Block) -> [u8; 16] {
    const UPPER: &[u8; 16] = b"0123456789ABCDEF";
    std::array::from_fn(|i| UPPER[usize::from(if i % 2 == 0 { block[i / 2] >> 4 } else { block[i / 2] & 15 })])
}
