// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {Run} from "../types/Run.sol";
import {SignatureLib} from "./SignatureLib.sol";

/// @title UsualGroups
/// @notice Settles, one after the other, the attested groups at which everything is as it nearly always is: the deal
/// stands in the page at hand, the group begins where its stream stands, the worker signed, and no limit is met.
/// @dev Nearly all gas that is not for calldata, signature checks and storage is spent here, hence one piece of assembly.
/// A group that is not usual is left to `Groups._settleGroup`, which knows all rules: this code may leave it whatever it
/// likes, but must do the same with what it takes. Tests run both on the same batches.
library UsualGroups {
    /// @notice What ended {settle}: the batch, another page of workers, an unusual deal, an unusual group.
    uint256 internal constant END = 0;
    uint256 internal constant PAGE = 1;
    uint256 internal constant DEAL = 2;
    uint256 internal constant GROUP = 3;

    /// @notice Settles groups of the attested lane from the run's offset on, as far as they are usual.
    function settle(Run memory run) internal returns (uint256 missing) {
        uint256 halfOrder = SignatureLib.HALF_ORDER;
        // Memory: the run, its workspace (see {TallyLib}), its pages, leaves and facts, 0x00..0x3f, and as scratch what
        // follows the free memory pointer.
        assembly ("memory-safe") {
            // Slot of `key` in the mapping at `mapping_`.
            function slotOf(key, mapping_) -> slot {
                mstore(0x00, key)
                mstore(0x20, mapping_)
                slot := keccak256(0x00, 0x40)
            }
            // Units of a word's four cells.
            function unitsOf(word) -> units {
                units := add(and(word, 0xffffffffff), and(shr(64, word), 0xffffffffff))
                units := add(units, add(and(shr(128, word), 0xffffffffff), and(shr(192, word), 0xffffffffff)))
            }
            // Brings word `key` of the mapping at `mapping_` into the run, `at_` being its name, slot and content there.
            function select(at_, key, slot) {
                if not(mload(at_)) {
                    sstore(mload(add(at_, 0x20)), mload(add(at_, 0x40)))
                }
                mstore(at_, key)
                mstore(add(at_, 0x20), slot)
                mstore(add(at_, 0x40), sload(slot))
            }
            // What a room of a word holds today.
            function roomOf(word, shift, today) -> room {
                room := shr(shift, word)
                room := mul(and(shr(16, room), 0xffffffffffff), eq(and(room, 0xffff), today))
            }

            let offset := mload(run)
            let workspace := mload(add(run, 0x2c0))
            // What the deal at hand may still be paid: its cap and its provider's room of today are taken from at the end.
            let paid := 0
            let roomShift := shl(6, and(mload(add(run, 0x120)), 3))
            let left := sub(mload(add(run, 0xe0)), mload(add(run, 0xc0)))
            left := mul(left, gt(mload(add(run, 0xe0)), mload(add(run, 0xc0))))
            {
                let room := roomOf(mload(add(run, 0x1e0)), roomShift, mload(add(run, 0x380)))
                if lt(room, left) {
                    left := room
                }
            }
            for {} lt(offset, mload(add(run, 0x20))) {} {
                calldatacopy(workspace, offset, 32)
                let head := mload(workspace)
                if xor(shr(222, head), mload(add(run, 0x60))) {
                    let stream := shr(216, head)
                    let place := shr(184, head)
                    let row := add(mload(add(run, 0x220)), mul(and(place, 0xff), 80))
                    let terms := mload(add(row, 0x20))
                    let until := and(shr(64, terms), 0xffffffff)
                    let clock := mload(add(run, 0x360))
                    // The row is of the page at hand, holds, and is this deal's; not netted, and not closed for settling.
                    if or(
                        or(
                            xor(and(shr(8, place), 0xffffff), mload(add(run, 0x200))),
                            iszero(and(shr(and(place, 0xff), mload(add(run, 0x240))), 1))
                        ),
                        or(
                            xor(and(terms, 0xffffffff), shr(6, stream)),
                            or(eq(and(shr(50, terms), 3), 2), iszero(lt(clock, add(until, mload(add(run, 0x3a0))))))
                        )
                    ) {
                        missing := 2
                        break
                    }
                    mstore(add(run, 0x1e0), sub(mload(add(run, 0x1e0)), shl(add(roomShift, 16), paid)))
                    paid := 0
                    mstore(add(run, 0x60), shr(6, stream))
                    let streams := and(shr(56, terms), 0xff)
                    mstore(add(run, 0x80), streams)
                    mstore(add(workspace, 0x40), mload(row))
                    if lt(clock, until) {
                        until := clock
                    }
                    mstore(
                        add(run, 0x100),
                        div(mul(and(shr(128, terms), 0xffffffff), sub(until, and(shr(96, terms), 0xffffffff))), 3600)
                    )
                    let provider := and(shr(160, terms), 0xffffffff)
                    mstore(add(run, 0x120), provider)
                    roomShift := shl(6, and(provider, 3))
                    provider := shr(2, provider)
                    if xor(provider, mload(add(run, 0x1a0))) {
                        select(add(run, 0x1a0), provider, slotOf(provider, mload(add(run, 0x3e0))))
                    }
                    if xor(shr(7, stream), mload(add(run, 0x140))) {
                        select(add(run, 0x140), shr(7, stream), slotOf(shr(7, stream), mload(add(run, 0x3c0))))
                    }
                    let units := shr(shl(1, and(stream, 64)), mload(add(run, 0x180)))
                    units := add(and(units, 0xffffffffff), and(shr(64, units), 0xffffffffff))
                    if gt(streams, 2) {
                        let more := slotOf(shr(6, stream), mload(add(run, 0x400)))
                        for {
                            let i := 0
                        } lt(i, shr(2, add(streams, 1))) {
                            i := add(i, 1)
                        } {
                            units := add(units, unitsOf(sload(slotOf(i, more))))
                        }
                    }
                    let price := shr(192, terms)
                    mstore(add(run, 0xa0), price)
                    units := mul(units, price)
                    mstore(add(run, 0xc0), units)
                    terms := mload(add(row, 0x40))
                    left := mul(price, and(shr(128, terms), 0xffffffffffffffff))
                    terms := shr(192, terms)
                    if gt(left, terms) {
                        left := terms
                    }
                    mstore(add(run, 0xe0), left)
                    left := mul(sub(left, units), gt(left, units))
                    let room := roomOf(mload(add(run, 0x1e0)), roomShift, mload(add(run, 0x380)))
                    if lt(room, left) {
                        left := room
                    }
                }

                let index := and(shr(216, head), 63)
                let shift := or(shl(1, and(shr(216, head), 64)), shl(6, index))
                if gt(index, 1) {
                    let word := sub(index, 2)
                    shift := shl(6, and(word, 3))
                    word := shr(2, word)
                    let key := not(or(shl(6, shr(222, head)), word))
                    if xor(key, mload(add(run, 0x140))) {
                        select(add(run, 0x140), key, slotOf(word, slotOf(shr(222, head), mload(add(run, 0x400)))))
                    }
                }
                let cell := and(shr(shift, mload(add(run, 0x180))), 0xffffffffffffffff)
                let row := sub(and(shr(144, head), 0xffffffffff), mload(add(run, 0x260)))
                if iszero(lt(row, mload(add(run, 0x2a0)))) {
                    missing := 1
                    break
                }
                let count := add(and(shr(120, head), 0xffffff), and(shr(104, head), 0xffff))
                if or(
                    or(lt(shr(216, head), mload(add(run, 0x40))), iszero(lt(index, mload(add(run, 0x80))))),
                    or(
                        or(xor(and(shr(120, head), 0xffffff), shr(40, cell)), iszero(and(shr(104, head), 0xffff))),
                        shr(24, count)
                    )
                ) {
                    missing := 3
                    break
                }

                // The receipts' own units, or at least one for each, make up the difference that the tally names.
                let units := and(shr(64, head), 0xffffffffff)
                let amount := sub(units, and(cell, 0xffffffffff))
                let signatureAt := add(offset, 56)
                let after := add(offset, 120)
                switch mload(add(run, 0x340))
                case 0 {
                    signatureAt := add(offset, 24)
                    after := add(offset, 88)
                    let size := mul(and(shr(104, head), 0xffff), 35)
                    if gt(add(after, size), mload(add(run, 0x20))) {
                        missing := 3
                        break
                    }
                    let scratch := mload(0x40)
                    calldatacopy(scratch, after, size)
                    mstore(add(workspace, 0xe0), keccak256(scratch, size))
                    let rest := amount
                    let empty := 0
                    let at_ := after
                    after := add(after, size)
                    for {} lt(at_, after) {
                        at_ := add(at_, 35)
                    } {
                        let value := shr(232, calldataload(at_))
                        empty := or(empty, iszero(value))
                        rest := sub(rest, value)
                    }
                    if or(empty, rest) {
                        missing := 3
                        break
                    }
                }
                default {
                    // Fewer units than stored make a difference of 256 bits.
                    if or(lt(amount, and(shr(104, head), 0xffff)), shr(40, amount)) {
                        missing := 3
                        break
                    }
                    calldatacopy(add(workspace, 0xe0), add(offset, 24), 32)
                }

                amount := mul(amount, mload(add(run, 0xa0)))
                if or(gt(units, mload(add(run, 0x100))), gt(amount, left)) {
                    missing := 3
                    break
                }

                // The tally's hash, digest and signer, who must be the worker.
                mstore(add(workspace, 0x60), index)
                mstore(add(workspace, 0x80), and(shr(120, head), 0xffffff))
                mstore(add(workspace, 0xa0), count)
                mstore(add(workspace, 0xc0), units)
                let leaf := keccak256(add(workspace, 0x20), 0xe0)
                mstore(add(workspace, 0x122), leaf)
                mstore(add(workspace, 0x160), keccak256(add(workspace, 0x100), 0x42))
                calldatacopy(add(workspace, 0x1a0), signatureAt, 64)
                let vs := mload(add(workspace, 0x1c0))
                mstore(add(workspace, 0x180), add(27, shr(255, vs)))
                vs := and(vs, 0x7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff)
                mstore(add(workspace, 0x1c0), vs)
                // ecrecover answers with no bytes where there is no signer, which leaves the zero at 0x00.
                mstore(0x00, 0)
                pop(staticcall(gas(), 1, add(workspace, 0x160), 0x80, 0x00, 0x20))
                row := shr(64, mload(add(mload(add(run, 0x280)), mul(row, 24))))
                if or(
                    or(gt(vs, halfOrder), iszero(mload(0x00))),
                    xor(row, or(shl(160, mload(add(run, 0x120))), mload(0x00)))
                ) {
                    missing := 3
                    break
                }

                // It applies.
                offset := after
                paid := add(paid, amount)
                left := sub(left, amount)
                mstore(add(run, 0x40), add(shr(216, head), 1))
                mstore(add(run, 0x180), xor(mload(add(run, 0x180)), shl(shift, xor(cell, or(shl(40, count), units)))))
                let group := mload(add(run, 0x320))
                mstore(add(run, 0x320), add(group, 1))
                mstore(add(mload(add(run, 0x2e0)), shl(5, group)), leaf)
                mstore(add(mload(add(run, 0x300)), shl(4, group)), shl(128, or(shl(56, cell), amount)))
            }
            mstore(run, offset)
            mstore(add(run, 0xc0), add(mload(add(run, 0xc0)), paid))
            mstore(add(run, 0x1e0), sub(mload(add(run, 0x1e0)), shl(add(roomShift, 16), paid)))
        }
    }
}
