// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {LibraryProbe} from "../../contracts/mocks/LibraryProbe.sol";
import {Probe} from "./support/Probe.sol";

/// @notice Library by library, the settlement's reading of bytes against the plain one.
contract BatchLibTest is Probe {
    uint256 private constant MALFORMED = type(uint256).max;

    LibraryProbe private _libraries;

    function setUp() public {
        _libraries = new LibraryProbe();
    }

    /// Any bytes as long as receipts are the same receipts to both, or to neither.
    function testFuzz_SumAddsWhatTheReferenceAdds(uint24[8] memory units, uint256 wound, uint8 count) public view {
        bytes memory data;
        for (uint256 i = 0; i < units.length; ++i) {
            // few high bits, so that small units come up; zero ones now and then
            uint24 value = uint24(uint256(units[i]) >> ((wound >> (4 * i)) % 24));
            data = abi.encodePacked(data, wound % 4 == 0 || value != 0 ? value : 1, keccak256(abi.encode(i, wound)));
        }
        uint256 receipts = count % (units.length + 1);
        (bool ok, uint256 expected) = _libraries.referenceSum(data, receipts);
        vm.assertEq(_libraries.sum(data, receipts), ok ? expected : MALFORMED, "units");
    }

    function testFuzz_HashCoversExactlyItsBytes(bytes memory data) public view {
        vm.assertEq(_libraries.hash(data), keccak256(data), "hash");
    }

    function testFuzz_RootEqualsTheReference(bytes32 seed, uint8 count) public view {
        bytes32[] memory leaves = new bytes32[](_within(count, 1, 130));
        for (uint256 i = 0; i < leaves.length; ++i) leaves[i] = keccak256(abi.encode(seed, i));
        vm.assertEq(_libraries.root(leaves), _libraries.referenceRoot(leaves), "root");
    }
}
