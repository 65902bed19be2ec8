// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {Run} from "../types/Run.sol";
import {SignatureLib} from "./SignatureLib.sol";

/// title UsualGroups
/// notice Settles, one after the other, the attested groups at which everything is as it nearly always is: the deal has
/// at most two streams and stands in the page at hand, the group begins where its stream stands, the worker signed, and no
/// limit is met.
/// dev Nearly all gas that is not for calldata, signature checks and storage is spent here, hence one piece of assembly.
/// A group that is not usual is left to `Groups._settleGroup`, which knows all rules: this code may leave it whatever it
/// likes, but must do the same with what it takes. Tests run both on the same batches.
library UsualGroups {
    /// notice What ended {settle}: the batch, another page of workers, another word of cells, an unusual deal or group.
    uint256 internal constant END = 0;
    uint256 internal constant PAGE = 1;
    uint256 internal constant CELLS = 2;
    uint256 internal constant DEAL = 3;
    uint256 internal constant GROUP = 4;

    /// notice Settles groups of the attested lane from the run's offset on, as far as they are usual.
    function settle(Run memory run) internal returns (uint256 missing) {
        uint256 halfOrder = SignatureLib.HALF_ORDER;
        // Memory: the run, its workspace (see {TallyLib}), its pages, leaves and facts, 0x00..0x3f, and as scratch
        // what follows the free memory pointer.
        assembly ("memory-safe") {
            /// Brings word `key` of a mapping into the run at `at_` (name, slot, content), after storing the one there.
            function select(at_, key, mapping_) {
                if iszero(eq(mload(at_), not(0))) {
                    sstore(mload(add(at_, 0x20)), mload(add(at_, 0x40)))
                }
                mstore(0x00, key)
                mstore(0x20, mapping_)
                let slot := keccak256(0x00, 0x40)
                mstore(at_, key)
                mstore(add(at_, 0x20), slot)
                mstore(add(at_, 0x40), sload(slot))
            }

            for {} 1 {} {
                let offset := mload(run)
                if iszero(lt(offset, mload(add(run, 0x20)))) {
                    missing := 0
                    break
                }
                let head := calldataload(offset)
                let stream := shr(216, head)
                let index := and(stream, 63)
                if xor(shr(6, stream), mload(add(run, 0x60))) {
                    missing := 3
                    let place := shr(184, head)
                    let terms := add(mload(add(run, 0x220)), mul(and(place, 0xff), 80))
                    let key := mload(terms)
                    let budget := mload(add(terms, 0x40))
                    terms := mload(add(terms, 0x20))
                    let clock := mload(add(run, 0x360))
                    let end := and(shr(64, terms), 0xffffffff)
                    // The row is of the page at hand, holds, and is this deal's; two streams, not netted, not closing's end.
                    if or(
                        or(
                            xor(and(shr(8, place), 0xffffff), mload(add(run, 0x200))),
                            iszero(and(shr(and(place, 0xff), mload(add(run, 0x240))), 1))
                        ),
                        or(
                            or(xor(and(terms, 0xffffffff), shr(6, stream)), gt(and(shr(56, terms), 0xff), 2)),
                            or(eq(and(shr(50, terms), 3), 2), iszero(lt(clock, add(end, mload(add(run, 0x3a0))))))
                        )
                    ) {
                        break
                    }
                    mstore(add(run, 0x60), shr(6, stream))
                    mstore(add(run, 0x80), and(shr(56, terms), 0xff))
                    mstore(add(mload(add(run, 0x2c0)), 0x20), key)
                    if lt(clock, end) {
                        end := clock
                    }
                    let limit := div(
                        mul(and(shr(128, terms), 0xffffffff), sub(end, and(shr(96, terms), 0xffffffff))),
                        3600
                    )
                    if gt(limit, 0xffffffffff) {
                        limit := 0xffffffffff
                    }
                    mstore(add(run, 0x100), limit)
                    let provider := and(shr(160, terms), 0xffffffff)
                    mstore(add(run, 0x120), provider)
                    if xor(shr(2, provider), mload(add(run, 0x1a0))) {
                        select(add(run, 0x1a0), shr(2, provider), mload(add(run, 0x3e0)))
                    }
                    if xor(shr(7, stream), mload(add(run, 0x140))) {
                        select(add(run, 0x140), shr(7, stream), mload(add(run, 0x3c0)))
                    }
                    let price := shr(192, terms)
                    mstore(add(run, 0xa0), price)
                    let cells := shr(shl(1, and(stream, 64)), mload(add(run, 0x180)))
                    mstore(add(run, 0xc0), mul(price, add(and(cells, 0xffffffffff), and(shr(64, cells), 0xffffffffff))))
                    let cap := mul(price, and(shr(128, budget), 0xffffffffffffffff))
                    budget := shr(192, budget)
                    if gt(cap, budget) {
                        cap := budget
                    }
                    mstore(add(run, 0xe0), cap)
                }

                let shift := or(shl(1, and(stream, 64)), shl(6, index))
                if gt(index, 1) {
                    if xor(not(or(and(stream, not(63)), shr(2, sub(index, 2)))), mload(add(run, 0x140))) {
                        missing := 2
                        break
                    }
                    shift := shl(6, and(sub(index, 2), 3))
                }
                // Whose the worker is and its key, to be compared with who signed.
                let row := and(shr(144, head), 0xffffffffff)
                if xor(shr(9, row), mload(add(run, 0x260))) {
                    missing := 1
                    break
                }
                missing := 4
                let cell := and(shr(shift, mload(add(run, 0x180))), 0xffffffffffffffff)
                let first := and(shr(120, head), 0xffffff)
                let added := and(shr(104, head), 0xffff)
                row := and(row, 511)
                if or(
                    or(
                        or(lt(stream, mload(add(run, 0x40))), iszero(lt(index, mload(add(run, 0x80))))),
                        iszero(lt(row, mload(add(run, 0x2a0))))
                    ),
                    or(or(xor(first, shr(40, cell)), iszero(added)), shr(24, add(first, added)))
                ) {
                    break
                }
                row := shr(64, mload(add(mload(add(run, 0x280)), mul(row, 24))))

                // The receipts' own units, or at least one for each, make up the difference that the tally names.
                let units := and(shr(64, head), 0xffffffffff)
                let more := sub(units, and(cell, 0xffffffffff))
                let signatureAt := add(offset, 56)
                let segment := calldataload(add(offset, 24))
                switch mload(add(run, 0x340))
                case 0 {
                    signatureAt := add(offset, 24)
                    let at_ := add(offset, 88)
                    let size := mul(added, 35)
                    offset := add(at_, size)
                    if gt(offset, mload(add(run, 0x20))) {
                        break
                    }
                    let scratch := mload(0x40)
                    calldatacopy(scratch, at_, size)
                    segment := keccak256(scratch, size)
                    let left := more
                    let empty := 0
                    for {} lt(at_, offset) {
                        at_ := add(at_, 35)
                    } {
                        let value := shr(232, calldataload(at_))
                        empty := or(empty, iszero(value))
                        left := sub(left, value)
                    }
                    if or(empty, left) {
                        break
                    }
                }
                default {
                    offset := add(offset, 120)
                    // Fewer units than stored make a difference of 256 bits.
                    if or(or(lt(more, added), shr(40, more)), gt(offset, mload(add(run, 0x20)))) {
                        break
                    }
                }

                // Rate, budget and allowance, room of today.
                let amount := mul(more, mload(add(run, 0xa0)))
                let due := add(mload(add(run, 0xc0)), amount)
                let provider := mload(add(run, 0x120))
                let roomAt := shl(6, and(provider, 3))
                let room := and(shr(roomAt, mload(add(run, 0x1e0))), 0xffffffffffffffff)
                if or(
                    or(gt(units, mload(add(run, 0x100))), gt(due, mload(add(run, 0xe0)))),
                    or(xor(and(room, 0xffff), mload(add(run, 0x380))), gt(amount, shr(16, room)))
                ) {
                    break
                }

                // The tally's hash, digest and signer, who must be the worker.
                let workspace := mload(add(run, 0x2c0))
                mstore(add(workspace, 0x40), index)
                mstore(add(workspace, 0x60), first)
                mstore(add(workspace, 0x80), add(first, added))
                mstore(add(workspace, 0xa0), units)
                mstore(add(workspace, 0xc0), segment)
                let leaf := keccak256(workspace, 0xe0)
                mstore(add(workspace, 0x102), leaf)
                mstore(add(workspace, 0x140), keccak256(add(workspace, 0xe0), 0x42))
                {
                    let vs := calldataload(add(signatureAt, 32))
                    let s := and(vs, 0x7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff)
                    if gt(s, halfOrder) {
                        break
                    }
                    mstore(add(workspace, 0x160), add(27, shr(255, vs)))
                    mstore(add(workspace, 0x180), calldataload(signatureAt))
                    mstore(add(workspace, 0x1a0), s)
                }
                // ecrecover answers with no bytes where there is no signer, which leaves the zero at 0x00.
                mstore(0x00, 0)
                pop(staticcall(gas(), 1, add(workspace, 0x140), 0x80, 0x00, 0x20))
                let signer := mload(0x00)
                if or(iszero(signer), xor(row, or(shl(160, provider), signer))) {
                    break
                }

                // It applies.
                mstore(run, offset)
                mstore(add(run, 0x40), add(stream, 1))
                mstore(add(run, 0xc0), due)
                {
                    let cellsAt := add(run, 0x180)
                    mstore(cellsAt, xor(mload(cellsAt), shl(shift, xor(cell, or(shl(40, add(first, added)), units)))))
                    let roomsAt := add(run, 0x1e0)
                    mstore(roomsAt, sub(mload(roomsAt), shl(add(roomAt, 16), amount)))
                }
                let groupsAt := add(run, 0x320)
                let group := mload(groupsAt)
                mstore(groupsAt, add(group, 1))
                mstore(add(mload(add(run, 0x2e0)), shl(5, group)), leaf)
                mstore(add(mload(add(run, 0x300)), shl(4, group)), shl(128, or(shl(56, cell), amount)))
            }
        }
    }
}
