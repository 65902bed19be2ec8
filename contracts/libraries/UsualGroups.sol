// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {Run} from "../types/Run.sol";
import {SignatureLib} from "./SignatureLib.sol";

/// @title UsualGroups
/// @notice Settles, one after the other, the attested groups at which everything is as it nearly always is: the deal, the
/// words and the page are in the run, the group begins where its stream stands, the worker signed, and no limit is met.
/// @dev Nearly all gas that is not for calldata, signature checks and storage is spent here, hence one piece of assembly.
/// A group that is not usual is left untouched for `Groups._settleGroup`, which knows all rules: this code may refuse
/// whatever it likes, but must do the same to what it takes. Tests run both on the same batches.
library UsualGroups {
    /// @notice What stopped {settle}: the end, another deal, another word of cells, another page, an unusual group.
    uint256 internal constant END = 0;
    uint256 internal constant DEAL = 1;
    uint256 internal constant CELLS = 2;
    uint256 internal constant PAGE = 3;
    uint256 internal constant UNUSUAL = 4;

    /// @notice Settles groups of the attested lane from the run's offset on, until something is missing.
    function settle(Run memory run) internal view returns (uint256 missing) {
        uint256 halfOrder = SignatureLib.HALF_ORDER;
        // Memory: the run, its workspace (see {TallyLib}), its leaves, facts and bitmap, 0x00..0x1f, and as scratch what
        // follows the free memory pointer.
        assembly ("memory-safe") {
            for {} 1 {} {
                let offset := mload(run)
                if iszero(lt(offset, mload(add(run, 0x20)))) {
                    missing := 0
                    break
                }
                let head := calldataload(offset)
                let stream := shr(216, head)
                if xor(shr(6, stream), mload(add(run, 0x60))) {
                    missing := 1
                    break
                }
                let index := and(stream, 63)
                let shift := or(shl(1, and(stream, 64)), shl(6, index))
                let cellsKey := shr(7, stream)
                if gt(index, 1) {
                    cellsKey := not(or(and(stream, not(63)), shr(2, sub(index, 2))))
                    shift := shl(6, and(sub(index, 2), 3))
                }
                if xor(cellsKey, mload(add(run, 0x140))) {
                    missing := 2
                    break
                }
                // The worker's row, provider id ‖ key: compared with who signed below.
                let row := and(shr(144, head), 0xffffffffff)
                if xor(shr(9, row), mload(add(run, 0x1e0))) {
                    missing := 3
                    break
                }
                missing := 4
                let cell := and(shr(shift, mload(add(run, 0x160))), 0xffffffffffffffff)
                let first := and(shr(120, head), 0xffffff)
                let added := and(shr(104, head), 0xffff)
                if or(
                    or(lt(stream, mload(add(run, 0x40))), iszero(lt(index, mload(add(run, 0x80))))),
                    or(or(xor(first, shr(40, cell)), iszero(added)), shr(24, add(first, added)))
                ) {
                    break
                }

                // Receipts or their hash, and the stream's units after them.
                let units := and(cell, 0xffffffffff)
                let signatureAt := add(offset, 56)
                let segment := calldataload(add(offset, 24))
                switch mload(add(run, 0x2e0))
                case 0 {
                    signatureAt := add(offset, 19)
                    let at_ := add(offset, 83)
                    let size := mul(added, 35)
                    offset := add(at_, size)
                    if gt(offset, mload(add(run, 0x20))) {
                        break
                    }
                    let scratch := mload(0x40)
                    calldatacopy(scratch, at_, size)
                    segment := keccak256(scratch, size)
                    let empty := 0
                    for {} lt(at_, offset) {
                        at_ := add(at_, 35)
                    } {
                        let value := shr(232, calldataload(at_))
                        empty := or(empty, iszero(value))
                        units := add(units, value)
                    }
                    if empty {
                        break
                    }
                }
                default {
                    let least := add(units, added)
                    units := and(shr(64, head), 0xffffffffff)
                    offset := add(offset, 120)
                    if or(lt(units, least), gt(offset, mload(add(run, 0x20)))) {
                        break
                    }
                }

                // Rate, budget and allowance, room of today.
                let amount := mul(sub(units, and(cell, 0xffffffffff)), mload(add(run, 0xa0)))
                let due := add(mload(add(run, 0xc0)), amount)
                let roomAt := shl(6, and(mload(add(run, 0x120)), 3))
                let room := and(shr(roomAt, mload(add(run, 0x1a0))), 0xffffffffffffffff)
                if or(
                    or(gt(units, mload(add(run, 0x100))), gt(due, mload(add(run, 0xe0)))),
                    or(xor(and(room, 0xffff), mload(add(run, 0x1c0))), gt(amount, shr(16, room)))
                ) {
                    break
                }

                // Group hash, then the tally's digest and its signer, who must be the worker.
                let workspace := mload(add(run, 0x220))
                mstore(add(workspace, 0x40), index)
                mstore(add(workspace, 0x60), first)
                mstore(add(workspace, 0x80), add(first, added))
                mstore(add(workspace, 0xa0), segment)
                let leaf := keccak256(add(workspace, 0x20), 0xa0)
                mstore(add(workspace, 0xa0), units)
                mstore(add(workspace, 0xc0), segment)
                mstore(add(workspace, 0x102), keccak256(workspace, 0xe0))
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
                mstore(0x00, 0)
                extcodecopy(mload(add(run, 0x200)), 8, add(1, mul(and(row, 511), 24)), 24)
                row := mload(0x00)
                mstore(0x00, 0)
                // ecrecover answers with no bytes where there is no signer, which leaves the zero at 0x00.
                pop(staticcall(gas(), 1, add(workspace, 0x140), 0x80, 0x00, 0x20))
                let signer := mload(0x00)
                if or(iszero(signer), xor(row, or(shl(160, mload(add(run, 0x120))), signer))) {
                    break
                }

                // It applies.
                mstore(run, offset)
                mstore(add(run, 0x40), add(stream, 1))
                mstore(add(run, 0xc0), due)
                mstore(
                    add(run, 0x160),
                    xor(mload(add(run, 0x160)), shl(shift, xor(cell, or(shl(40, add(first, added)), units))))
                )
                mstore(add(run, 0x1a0), sub(mload(add(run, 0x1a0)), shl(add(roomAt, 16), amount)))
                let group := mload(add(run, 0x2a0))
                mstore(add(run, 0x2a0), add(group, 1))
                mstore(add(mload(add(run, 0x240)), shl(5, group)), leaf)
                mstore(add(mload(add(run, 0x260)), shl(4, group)), shl(128, or(shl(56, cell), amount)))
                let applied := add(mload(add(run, 0x280)), shr(3, group))
                mstore(applied, or(mload(applied), shl(and(group, 7), 1)))
                mstore(add(run, 0x2c0), 1)
            }
        }
    }
}
