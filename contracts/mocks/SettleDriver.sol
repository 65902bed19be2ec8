// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ISettlement} from "../interfaces/ISettlement.sol";

/// @title SettleDriver
/// @notice Settles many batches in one call, each on the same state, through the settlement's own code. For tests only.
/// @dev A test puts this code in the settlement's place and the settlement's somewhere else. Delegated calls keep state
/// and caller, so the settlement's code finds what it would find.
contract SettleDriver {
    /// @notice How one batch ended.
    /// @param ok Whether it settled.
    /// @param gasUsed Of its execution.
    /// @param answer The facts, or the error.
    struct Ending {
        bool ok;
        uint256 gasUsed;
        bytes answer;
    }

    /// @notice Carries an ending out of what is taken back.
    error SettleDriverDone(Ending ending);

    /// @notice Settles `count` batches.
    /// @param code Where the settlement's code is.
    /// @param self Where this code is too.
    /// @param cases Of each batch: lengths (4 each) of it, of what stands behind it and of its authority; then these.
    function settleEach(
        address code,
        address self,
        bytes calldata cases,
        uint256 count
    ) external returns (Ending[] memory endings) {
        endings = new Ending[](count);
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
            endings[i] = _settle(code, self, call);
            cases = cases[middle + authority:];
        }
    }

    /// @notice Settles one batch and takes it back.
    /// @dev Reverts with {SettleDriverDone}.
    function settleAndUndo(address code, bytes calldata call) external {
        uint256 before = gasleft();
        // solhint-disable-next-line avoid-low-level-calls
        (bool ok, bytes memory answer) = code.delegatecall(call);
        uint256 gasUsed = before - gasleft();
        revert SettleDriverDone(Ending(ok, gasUsed, ok ? abi.decode(answer, (bytes)) : answer));
    }

    function _settle(address code, address self, bytes memory call) private returns (Ending memory) {
        // solhint-disable-next-line avoid-low-level-calls
        (, bytes memory undone) = self.delegatecall(abi.encodeCall(this.settleAndUndo, (code, call)));
        // The error's selector is cut off.
        assembly ("memory-safe") {
            let length := sub(mload(undone), 4)
            undone := add(undone, 4)
            mstore(undone, length)
        }
        return abi.decode(undone, (Ending));
    }
}
