// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

// Named one by one they would count as unused: nearly all are used in assembly only.
// solhint-disable-next-line no-global-import
import "../types/Run.sol";
import {SignatureLib} from "./SignatureLib.sol";

/// @title UsualGroups
/// @notice Settles, one after the other, the attested groups at which everything is as it nearly always is: the deal
/// stands in the page at hand, the group begins where its stream stands, the worker signed, and no limit is met.
/// @dev Nearly all gas that is not for calldata, signature checks and storage is spent here, hence one piece of
/// assembly. A group that is not usual is left to `Groups._settleGroup`, which knows all rules: this code may leave
/// it whatever it likes, but must do the same with what it takes. Tests run both on the same batches.
library UsualGroups {
    /// @notice What ended {settle}: the batch, another page of workers, an unusual deal, an unusual group.
    uint256 internal constant END = 0;
    uint256 internal constant PAGE = 1;
    uint256 internal constant DEAL = 2;
    uint256 internal constant GROUP = 3;

    /// @notice Settles groups of the attested lane from the run's offset on, as far as they are usual.
    // One piece, because a call between its parts would cost each group what it saves.
    // solhint-disable-next-line function-max-lines
    function settle() internal returns (uint256 missing) {
        uint256 halfOrder = SignatureLib.HALF_ORDER;
        // Memory: the run and what belongs to it, its pages, leaves and facts, 0x00..0x3f, and as scratch what
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
            // Brings word `key` of the mapping at `mapping_` into the run, `at_` being its name, slot and content
            // there.
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

            let offset := mload(RUN_OFFSET)
            // What the deal at hand may still be paid: its cap and its provider's room of today are taken from at the
            // end.
            let paid := 0
            let roomShift := shl(6, and(mload(RUN_PROVIDER), 3))
            let left := sub(mload(RUN_CAP), mload(RUN_DUE))
            left := mul(left, gt(mload(RUN_CAP), mload(RUN_DUE)))
            {
                let room := roomOf(mload(RUN_ROOMS), roomShift, mload(RUN_TODAY))
                if lt(room, left) {
                    left := room
                }
            }
            for {} lt(offset, mload(RUN_END)) {} {
                let head := calldataload(offset)
                if xor(shr(222, head), mload(RUN_ID)) {
                    let stream := shr(216, head)
                    let place := shr(184, head)
                    let row := add(mload(RUN_DEALS_AT), mul(and(place, 0xff), 80))
                    let terms := mload(add(row, 0x20))
                    let until := and(shr(64, terms), 0xffffffff)
                    let clock := mload(RUN_CLOCK)
                    // The row is of the page at hand, holds, and is this deal's; not netted, and not closed for
                    // settling.
                    if or(
                        or(
                            xor(and(shr(8, place), 0xffffff), mload(RUN_DEAL_PAGE)),
                            iszero(and(shr(and(place, 0xff), mload(RUN_LIVE_ROWS)), 1))
                        ),
                        or(
                            xor(and(terms, 0xffffffff), shr(6, stream)),
                            or(eq(and(shr(50, terms), 3), 2), iszero(lt(clock, add(until, mload(RUN_CLOSING_PERIOD)))))
                        )
                    ) {
                        missing := 2
                        break
                    }
                    mstore(RUN_ROOMS, sub(mload(RUN_ROOMS), shl(add(roomShift, 16), paid)))
                    paid := 0
                    mstore(RUN_ID, shr(6, stream))
                    let streams := and(shr(56, terms), 0xff)
                    mstore(RUN_STREAMS, streams)
                    mstore(TALLY_KEY, mload(row))
                    if lt(clock, until) {
                        until := clock
                    }
                    mstore(
                        RUN_RATE_LIMIT,
                        div(mul(and(shr(128, terms), 0xffffffff), sub(until, and(shr(96, terms), 0xffffffff))), 3600)
                    )
                    let provider := and(shr(160, terms), 0xffffffff)
                    mstore(RUN_PROVIDER, provider)
                    roomShift := shl(6, and(provider, 3))
                    provider := shr(2, provider)
                    if xor(provider, mload(RUN_QUAD)) {
                        select(RUN_QUAD, provider, slotOf(provider, mload(RUN_ROOMS_MAPPING)))
                    }
                    if xor(shr(7, stream), mload(RUN_CELLS_KEY)) {
                        select(RUN_CELLS_KEY, shr(7, stream), slotOf(shr(7, stream), mload(RUN_CELLS_MAPPING)))
                    }
                    let units := shr(shl(1, and(stream, 64)), mload(RUN_CELLS))
                    units := add(and(units, 0xffffffffff), and(shr(64, units), 0xffffffffff))
                    if gt(streams, 2) {
                        let more := slotOf(shr(6, stream), mload(RUN_MORE_CELLS_MAPPING))
                        for {
                            let i := 0
                        } lt(i, shr(2, add(streams, 1))) {
                            i := add(i, 1)
                        } {
                            units := add(units, unitsOf(sload(slotOf(i, more))))
                        }
                    }
                    let price := shr(192, terms)
                    mstore(RUN_PRICE, price)
                    units := mul(units, price)
                    mstore(RUN_DUE, units)
                    terms := mload(add(row, 0x40))
                    left := mul(price, and(shr(128, terms), 0xffffffffffffffff))
                    terms := shr(192, terms)
                    if gt(left, terms) {
                        left := terms
                    }
                    mstore(RUN_CAP, left)
                    left := mul(sub(left, units), gt(left, units))
                    let room := roomOf(mload(RUN_ROOMS), roomShift, mload(RUN_TODAY))
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
                    if xor(key, mload(RUN_CELLS_KEY)) {
                        select(RUN_CELLS_KEY, key, slotOf(word, slotOf(shr(222, head), mload(RUN_MORE_CELLS_MAPPING))))
                    }
                }
                let cell := and(shr(shift, mload(RUN_CELLS)), 0xffffffffffffffff)
                let row := sub(and(shr(144, head), 0xffffffffff), mload(RUN_FIRST_WORKER))
                if iszero(lt(row, mload(RUN_WORKERS))) {
                    missing := 1
                    break
                }
                let count := add(and(shr(120, head), 0xffffff), and(shr(104, head), 0xffff))
                if or(
                    or(lt(shr(216, head), mload(RUN_NEXT)), iszero(lt(index, mload(RUN_STREAMS)))),
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
                let behind := add(offset, 120)
                switch mload(RUN_MODE)
                case 0 {
                    signatureAt := add(offset, 24)
                    behind := add(offset, 88)
                    let size := mul(and(shr(104, head), 0xffff), 35)
                    if gt(add(behind, size), mload(RUN_END)) {
                        missing := 3
                        break
                    }
                    let scratch := mload(0x40)
                    calldatacopy(scratch, behind, size)
                    mstore(TALLY_SEGMENT, keccak256(scratch, size))
                    let rest := amount
                    let empty := 0
                    let at_ := behind
                    behind := add(behind, size)
                    for {} lt(at_, behind) {
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
                    calldatacopy(TALLY_SEGMENT, add(offset, 24), 32)
                }
                amount := mul(amount, mload(RUN_PRICE))
                if or(gt(units, mload(RUN_RATE_LIMIT)), gt(amount, left)) {
                    missing := 3
                    break
                }

                // The tally's hash, digest and signer, who must be the worker.
                mstore(TALLY_STREAM, index)
                mstore(TALLY_FIRST, and(shr(120, head), 0xffffff))
                mstore(TALLY_COUNT, count)
                mstore(TALLY_UNITS, units)
                let leaf := keccak256(TALLY, 0xe0)
                mstore(DIGEST_HASH, leaf)
                mstore(RECOVERY, keccak256(DIGEST, 0x42))
                calldatacopy(RECOVERY_R, signatureAt, 64)
                let vs := mload(RECOVERY_S)
                mstore(RECOVERY_V, add(27, shr(255, vs)))
                vs := and(vs, 0x7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff)
                mstore(RECOVERY_S, vs)
                // ecrecover answers with no bytes where there is no signer, which leaves the zero at 0x00.
                mstore(0x00, 0)
                pop(staticcall(gas(), 1, RECOVERY, 0x80, 0x00, 0x20))
                row := shr(64, mload(add(mload(RUN_WORKERS_AT), mul(row, 24))))
                if or(
                    or(gt(vs, halfOrder), iszero(mload(0x00))),
                    xor(row, or(shl(160, mload(RUN_PROVIDER)), mload(0x00)))
                ) {
                    missing := 3
                    break
                }

                // It applies.
                offset := behind
                paid := add(paid, amount)
                left := sub(left, amount)
                mstore(RUN_NEXT, add(shr(216, head), 1))
                mstore(RUN_CELLS, xor(mload(RUN_CELLS), shl(shift, xor(cell, or(shl(40, count), units)))))
                let group := mload(RUN_GROUPS)
                mstore(RUN_GROUPS, add(group, 1))
                mstore(add(mload(RUN_LEAVES_AT), shl(5, group)), leaf)
                mstore(add(mload(RUN_FACTS_AT), shl(4, group)), shl(128, or(shl(56, cell), amount)))
            }
            mstore(RUN_OFFSET, offset)
            mstore(RUN_DUE, add(mload(RUN_DUE), paid))
            mstore(RUN_ROOMS, sub(mload(RUN_ROOMS), shl(add(roomShift, 16), paid)))
        }
    }
}
