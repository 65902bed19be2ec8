// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ISettlement} from "../interfaces/ISettlement.sol";

/// @title SettleDriver
/// @notice Settles many batches in one call, each on the same state, through the settlement's own code. For tests only.
/// @dev A test puts this code in the settlement's place and the settlement's somewhere else. Delegated calls keep state
/// and caller, so the settlement's code finds what it would find.
contract SettleDriver {
    bytes32 private constant CRASHED = bytes32(type(uint256).max);

    /// @notice How one batch ended.
    error SettleDriverDone(bool ok, uint256 gasUsed, bytes answer);

    /// @notice Settles `count` batches.
    /// @param code Where the settlement's code is.
    /// @param self Where this code is too.
    /// @param cases Of each batch: lengths (4 each) of it, of what stands behind it and of its authority; then these.
    /// @return verdicts Hash of the facts, or the selector of the error.
    /// @return gasUsed By each.
    function settleEach(
        address code,
        address self,
        bytes calldata cases,
        uint256 count
    ) external returns (bytes32[] memory verdicts, uint256[] memory gasUsed) {
        (verdicts, gasUsed) = (new bytes32[](count), new uint256[](count));
        for (uint256 i = 0; i < count; ++i) {
            uint256 batch = uint32(bytes4(cases[:4]));
            uint256 middle = 12 + batch + uint32(bytes4(cases[4:8]));
            uint256 authority = uint32(bytes4(cases[8:12]));
            // The batch's offset, the authority's, the batch with what stands behind it, the authority.
            bytes memory call = bytes.concat(
                ISettlement.settle.selector,
                bytes32(uint256(64)),
                bytes32(64 + 32 + middle - 12),
                bytes32(batch),
                cases[12:middle],
                bytes32(authority),
                cases[middle:middle + authority]
            );
            (verdicts[i], gasUsed[i]) = _settle(code, self, call);
            cases = cases[middle + authority:];
        }
    }

    /// @notice Settles one batch and takes it back.
    /// @dev Reverts with {SettleDriverDone}.
    function settleAndUndo(address code, bytes calldata call) external {
        uint256 before = gasleft();
        // solhint-disable-next-line avoid-low-level-calls
        (bool ok, bytes memory answer) = code.delegatecall(call);
        revert SettleDriverDone(ok, before - gasleft(), answer);
    }

    function _settle(address code, address self, bytes memory call) private returns (bytes32 verdict, uint256 gasUsed) {
        // solhint-disable-next-line avoid-low-level-calls
        (, bytes memory undone) = self.delegatecall(abi.encodeCall(this.settleAndUndo, (code, call)));
        // The error's selector is cut off.
        assembly ("memory-safe") {
            let length := sub(mload(undone), 4)
            undone := add(undone, 4)
            mstore(undone, length)
        }
        bool ok;
        bytes memory answer;
        (ok, gasUsed, answer) = abi.decode(undone, (bool, uint256, bytes));
        if (ok) return (keccak256(abi.decode(answer, (bytes))), gasUsed);
        return (answer.length < 4 ? CRASHED : bytes32(bytes4(answer)), gasUsed);
    }
}
